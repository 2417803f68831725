//! How commands reach the administration: through the server that runs on the data folder, or without one.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use switchboard_server::{Addresses, local_router};
use tokio::net::UnixStream;
use tower::ServiceExt;

use crate::{
    compose::{Places, Running, compose},
    data_folder::{DataFolder, Lock},
    operator_settings::OperatorSettings,
    output::Advise,
};

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 64 << 20;

/// The administration of a data folder.
pub(crate) enum Client {
    /// A server runs there: its door for administrators.
    Server(PathBuf),
    /// None does, so that this process has the folder to itself.
    Alone { running: Box<Running>, router: Addresses, lock: Lock },
}

/// Whether a server runs on the folder: true when its door for administrators opens.
pub(crate) async fn is_served(folder: &DataFolder) -> bool {
    UnixStream::connect(folder.control_socket()).await.is_ok()
}

impl Client {
    /// Reaches the administration of a data folder.
    ///
    /// # Errors
    /// When there is no such folder, or it can be used neither through a server nor alone.
    pub(crate) async fn reach(folder: &DataFolder) -> anyhow::Result<Self> {
        let shown = folder.root().display();
        if !folder.root().is_dir() {
            return Err(anyhow!("there is no data folder {shown}"))
                .advise("name another with --data, or let `switchboard serve` make it");
        }
        Self::reach_or_make(folder).await
    }

    /// The same; where there is no data folder, one is made.
    ///
    /// # Errors
    /// When the folder can be used neither through a server nor alone.
    pub(crate) async fn reach_or_make(folder: &DataFolder) -> anyhow::Result<Self> {
        if is_served(folder).await {
            return Ok(Self::Server(folder.control_socket()));
        }
        let lock = folder.take()?;
        let settings = OperatorSettings::read(folder.root())?;
        let switched_off = settings.switched_off_here()?;
        let running = Box::new(compose(Places::of(folder, &settings), &settings, switched_off).await?);
        let router = local_router(running.kernel.clone(), running.http.clone());
        Ok(Self::Alone { running, router, lock })
    }

    /// What stands at an address.
    ///
    /// # Errors
    /// What the administration says against it, as a sentence.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Json> {
        self.ask(Method::GET, path, None).await
    }

    /// The text that stands at an address.
    ///
    /// # Errors
    /// What the administration says against it, as a sentence.
    pub(crate) async fn text(&self, path: &str) -> anyhow::Result<String> {
        let (status, bytes) = self.send(Method::GET, path, None).await?;
        if !status.is_success() {
            understand(status, &bytes)?;
        }
        String::from_utf8(bytes.into()).context("the answer is no text")
    }

    /// Sends JSON to an address.
    ///
    /// # Errors
    /// What the administration says against it, as a sentence.
    pub(crate) async fn post(&self, path: &str, body: &Json) -> anyhow::Result<Json> {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Changes what stands at an address.
    ///
    /// # Errors
    /// What the administration says against it, as a sentence.
    pub(crate) async fn patch(&self, path: &str, body: &Json) -> anyhow::Result<Json> {
        self.ask(Method::PATCH, path, Some(body)).await
    }

    /// Sets what stands at an address.
    ///
    /// # Errors
    /// What the administration says against it, as a sentence.
    pub(crate) async fn put(&self, path: &str, body: &Json) -> anyhow::Result<Json> {
        self.ask(Method::PUT, path, Some(body)).await
    }

    /// Removes what stands at an address.
    ///
    /// # Errors
    /// What the administration says against it, as a sentence.
    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<Json> {
        self.ask(Method::DELETE, path, None).await
    }

    /// Lets go of the data folder.
    pub(crate) async fn close(self) {
        if let Self::Alone { running, router, lock } = self {
            drop(router);
            running.stop(std::time::Duration::ZERO).await;
            drop(lock);
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Json>) -> anyhow::Result<Json> {
        let (status, bytes) = self.send(method, path, body).await?;
        understand(status, &bytes)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Json>,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
            }
            None => request.body(Body::empty()),
        };
        let request = request.with_context(|| format!("`{path}` is no address"))?;
        match self {
            Self::Server(socket) => {
                let stream = UnixStream::connect(socket).await.context("the server went away")?;
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                // What goes wrong with the connection is told to whoever waits for the answer.
                tokio::spawn(connection);
                let answer = sender.send_request(request).await;
                read(answer.context("the server did not answer")?).await
            }
            Self::Alone { router, .. } => read(router.clone().oneshot(request).await?).await,
        }
    }
}

async fn read<B>(answer: Response<B>) -> anyhow::Result<(StatusCode, Bytes)>
where
    B: axum::body::HttpBody<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let status = answer.status();
    let body = http_body_util::Limited::new(answer.into_body(), LARGEST_ANSWER);
    let collected = body.collect().await.map_err(|error| anyhow!(error).context("the answer broke off"))?;
    Ok((status, collected.to_bytes()))
}

/// The JSON of a good answer, or the sentences of a bad one.
fn understand(status: StatusCode, bytes: &[u8]) -> anyhow::Result<Json> {
    let json: Json = match bytes {
        [] => Json::Null,
        bytes => serde_json::from_slice(bytes).unwrap_or(Json::Null),
    };
    if status.is_success() {
        return Ok(json);
    }
    bail!("{}", refusal(status, &json))
}

/// Problem details (RFC 9457) as a sentence, with every fault by field when there are some.
fn refusal(status: StatusCode, problem: &Json) -> String {
    let text = |name: &str| problem.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    let said = text("detail").or_else(|| text("title"));
    let said = said.map_or_else(|| format!("the server answered {status}"), str::to_owned);
    let faults = problem.get("errors").and_then(Json::as_array).into_iter().flatten().filter_map(|fault| {
        let message = fault.get("msg").or_else(|| fault.get("detail"))?.as_str()?;
        let place = fault.get("loc").and_then(Json::as_array).into_iter().flatten();
        let place: Vec<String> =
            place.map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned)).collect();
        Some(if place.is_empty() { message.to_owned() } else { format!("{}: {message}", place.join(".")) })
    });
    // The sentence may be made of them already.
    let faults: Vec<String> = faults.filter(|fault| !said.contains(fault.as_str())).collect();
    if faults.is_empty() { said } else { format!("{said}: {}", faults.join("; ")) }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use super::refusal;

    #[test]
    fn problem_details_are_told_as_a_sentence() {
        let problem = json!({ "title": "Conflict", "detail": "`clips` is required by `highlight_detector`" });
        assert_eq!(refusal(StatusCode::CONFLICT, &problem), "`clips` is required by `highlight_detector`");
        let problem =
            json!({ "title": "Invalid", "errors": [{ "loc": ["body", "name"], "msg": "is missing" }] });
        assert_eq!(refusal(StatusCode::UNPROCESSABLE_ENTITY, &problem), "Invalid: body.name: is missing");
        let problem = json!({ "detail": "body.name: is missing", "errors": [{ "loc": ["body", "name"], "msg": "is missing" }] });
        assert_eq!(refusal(StatusCode::UNPROCESSABLE_ENTITY, &problem), "body.name: is missing");
        let nothing = json!(null);
        assert_eq!(refusal(StatusCode::BAD_GATEWAY, &nothing), "the server answered 502 Bad Gateway");
    }
}
