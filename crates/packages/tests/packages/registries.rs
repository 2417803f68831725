//! Packages in a registry: Debian's `docker-registry`, started for these tests.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use switchboard_packages::{
    Error, FetchBounds, KeyFiles, OciReference, PublicKey, Pushed, SecretKey, Signature, Source, fetch, push,
};
use tempfile::TempDir;

use crate::stage::Built;

/// A wait that ends in a failed test. It is long: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A registry of a test's own, ended with it.
struct Registry {
    process: Child,
    folder: TempDir,
    address: String,
}

impl Registry {
    /// None where the program is not, which on the build machine is a fault.
    fn start(purpose: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let address = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().to_string()
        };
        let settings = format!(
            "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: '{}' }} }}\nhttp: {{ addr: '{address}' }}\n",
            folder.path().join("data").display()
        );
        fs::write(folder.path().join("settings.yml"), settings).unwrap();
        let process = Command::new("docker-registry")
            .args(["serve", "settings.yml"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let process = match process {
            Ok(process) => process,
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "docker-registry cannot be started: {error}");
                eprintln!("SKIPPED: {purpose}: docker-registry cannot be started: {error}");
                return None;
            }
        };
        let registry = Self { process, folder, address };
        let begun = Instant::now();
        while std::net::TcpStream::connect(&registry.address).is_err() {
            assert!(begun.elapsed() < PATIENCE, "docker-registry does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(registry)
    }

    fn reference(&self, name: &str) -> OciReference {
        match format!("oci://{}/{name}", self.address).parse().unwrap() {
            Source::Oci(reference) => reference,
            other => panic!("{other}"),
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn pushed(reference: &OciReference, signed: bool) -> (Pushed, PublicKey) {
    let packed = Built::new().pack();
    let keys = KeyFiles::generate(None).unwrap();
    let key = SecretKey::parse(&keys.secret, None).unwrap();
    let now = "2026-01-02T03:04:05Z".parse().unwrap();
    let signature = signed.then(|| Signature::sign(&packed.bytes, &key, "hello", now).unwrap());
    let bounds = FetchBounds::default();
    let pushed =
        push(reference, &packed.package, packed.bytes, signature.as_ref(), None, now, &bounds).await.unwrap();
    (pushed, key.public().unwrap())
}

#[tokio::test]
async fn what_is_pushed_is_fetched_by_tag_and_by_digest() {
    let Some(registry) = Registry::start("what_is_pushed_is_fetched_by_tag_and_by_digest") else { return };
    let (pushed, key) = pushed(&registry.reference("plugins/hello:1.0.0"), true).await;
    assert_eq!(pushed.package, Built::new().pack().package.digest());
    for name in ["plugins/hello:1.0.0".to_owned(), format!("plugins/hello@{}", pushed.manifest)] {
        let source = Source::Oci(registry.reference(&name));
        let fetched = fetch(&source, None, &FetchBounds::default()).await.unwrap();
        assert_eq!(fetched.digest(), pushed.package);
        assert_eq!(fetched.released.unwrap().to_string(), "2026-01-02T03:04:05Z");
        fetched.signature.unwrap().verify(&fetched.bytes, &key).unwrap();
    }
    let small = FetchBounds { bytes: 100, ..FetchBounds::default() };
    let error = fetch(&pushed.source, None, &small).await.unwrap_err();
    assert!(matches!(error, Error::AnswerTooLarge { most: 100, .. }), "{error}");
}

#[tokio::test]
async fn what_is_not_there_or_no_plugin_is_refused_by_name() {
    let Some(registry) = Registry::start("what_is_not_there_or_no_plugin_is_refused_by_name") else { return };
    let get = async |name: &str| {
        fetch(&Source::Oci(registry.reference(name)), None, &FetchBounds::default()).await.unwrap_err()
    };
    let error = get("plugins/nothing:1.0.0").await;
    assert!(matches!(error, Error::Registry { .. } | Error::Refused { status: 404, .. }), "{error}");

    // An image, such as others keep in the same registry.
    let client = oci_client::Client::new(oci_client::client::ClientConfig {
        protocol: oci_client::client::ClientProtocol::Http,
        ..Default::default()
    });
    let layers = [oci_client::client::ImageLayer::oci_v1(&b"x"[..], None)];
    let config = oci_client::client::Config::oci_v1(&b"{}"[..], None);
    let reference = format!("{}/image:1", registry.address).parse().unwrap();
    client
        .push(&reference, &layers, config, &oci_client::secrets::RegistryAuth::Anonymous, None)
        .await
        .unwrap();
    let error = get("image:1").await;
    assert!(matches!(error, Error::NotAnArtifact { .. }), "{error}");
}

#[tokio::test]
async fn a_registry_that_gives_other_bytes_is_found_out() {
    let Some(registry) = Registry::start("a_registry_that_gives_other_bytes_is_found_out") else { return };
    let (pushed, _) = pushed(&registry.reference("plugins/hello:1.0.0"), false).await;
    let hexadecimal = pushed.package.hexadecimal();
    let blob = format!("data/docker/registry/v2/blobs/sha256/{}/{hexadecimal}/data", &hexadecimal[..2]);
    let path = registry.folder.path().join(blob);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = fetch(&pushed.source, None, &FetchBounds::default()).await.unwrap_err();
    assert!(matches!(error, Error::OtherDigest { .. }), "{error}");
}
