//! Packages at addresses, by a real server on this machine.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect},
    routing::get,
};
use switchboard_packages::{Error, FetchBounds, Fetched, KeyFiles, SecretKey, Signature, Source, fetch};

use crate::stage::Built;

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn from(address: SocketAddr, path: &str, bounds: FetchBounds) -> Result<Fetched, Error> {
    let source: Source = format!("http://{address}{path}").parse().unwrap();
    fetch(&source, None, &bounds).await
}

fn router() -> Router {
    let bytes = Built::new().pack().bytes;
    let keys = KeyFiles::generate(None).unwrap();
    let key = SecretKey::parse(&keys.secret, None).unwrap();
    let signature =
        Signature::sign(&bytes, &key, "hello", jiff::Timestamp::UNIX_EPOCH).unwrap().text().to_owned();
    let released = [(header::LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT")];
    Router::new()
        .route("/hello.switchboard", get(async move || (released, bytes)))
        .route("/hello.switchboard.minisig", get(async move || signature))
        .route("/alone", get(async || "no package, and not signed"))
        .route("/signed-by-nonsense", get(async || "x"))
        .route("/signed-by-nonsense.minisig", get(async || "<html>"))
        .route("/broken", get(async || StatusCode::INTERNAL_SERVER_ERROR))
        .route("/over-there", get(async || Redirect::temporary("/hello.switchboard")))
        .route("/for-ever", get(async || Redirect::temporary("/for-ever")))
        .route("/open", get(async || Redirect::temporary("http://192.0.2.1/x")))
        .route("/elsewhere", get(async || Redirect::temporary("file:///etc/passwd")))
        .route("/large", get(async || vec![0; 3000]))
        .route(
            "/endless",
            get(async || {
                let pieces = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0; 1000]));
                Body::from_stream(pieces).into_response()
            }),
        )
        .route("/slow", get(async || tokio::time::sleep(Duration::from_secs(60)).await))
}

#[tokio::test]
async fn a_package_is_fetched_with_its_signature_and_the_time_of_its_release() {
    let address = serve(router()).await;
    let fetched = from(address, "/hello.switchboard", FetchBounds::default()).await.unwrap();
    assert_eq!(fetched.digest(), Built::new().pack().package.digest());
    assert!(fetched.signature.is_some());
    assert_eq!(fetched.released.unwrap().to_string(), "1994-11-06T08:49:37Z");
    let other = from(address, "/over-there", FetchBounds::default()).await.unwrap();
    assert_eq!((other.bytes, other.signature.is_some()), (fetched.bytes, false));
    let alone = from(address, "/alone", FetchBounds::default()).await.unwrap();
    assert!(alone.signature.is_none() && alone.released.is_none());
}

#[tokio::test]
async fn what_cannot_be_had_is_refused_by_name() {
    let address = serve(router()).await;
    let bounds = FetchBounds { bytes: 2000, time: Duration::from_millis(1500), redirects: 3 };
    let refused = async |path| from(address, path, bounds).await.unwrap_err();
    assert!(matches!(refused("/nothing").await, Error::Refused { status: 404, .. }));
    assert!(matches!(refused("/broken").await, Error::Refused { status: 500, .. }));
    assert!(matches!(refused("/for-ever").await, Error::Redirects { most: 3, .. }));
    assert!(matches!(refused("/open").await, Error::NotEncrypted { .. }));
    let elsewhere = refused("/elsewhere").await;
    assert!(
        matches!(elsewhere, Error::NotEncrypted { .. } | Error::Refused { .. } | Error::Unreachable { .. }),
        "{elsewhere}"
    );
    assert!(matches!(refused("/large").await, Error::AnswerTooLarge { most: 2000, .. }));
    assert!(matches!(refused("/endless").await, Error::AnswerTooLarge { most: 2000, .. }));
    assert!(matches!(refused("/slow").await, Error::TooSlow { .. }));
    assert!(matches!(refused("/signed-by-nonsense").await, Error::NotASignature { .. }));
    let nobody: SocketAddr = "127.0.0.1:1".parse().unwrap();
    assert!(matches!(from(nobody, "/", bounds).await, Err(Error::Unreachable { .. })));
}

#[tokio::test]
async fn a_file_is_fetched_with_the_signature_beside_it() {
    let built = Built::new();
    let path = built.write("hello.switchboard", &built.pack().bytes);
    let source: Source = path.to_str().unwrap().parse().unwrap();
    let fetched = fetch(&source, None, &FetchBounds::default()).await.unwrap();
    assert!(fetched.signature.is_none() && fetched.released.is_none());
    built.write("hello.switchboard.minisig", b"nonsense");
    let error = fetch(&source, None, &FetchBounds::default()).await.unwrap_err();
    assert!(matches!(error, Error::NotASignature { .. }));
    let small = FetchBounds { bytes: 10, ..FetchBounds::default() };
    assert!(matches!(fetch(&source, None, &small).await, Err(Error::AnswerTooLarge { .. })));
}
