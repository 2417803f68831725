//! What was answered.

use http::HeaderMap;
use serde_json::Value as Json;

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    /// A header's value; empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Itself, when it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?} {}", self.headers, self.text());
        self
    }

    /// The body, of an answer with this status.
    #[track_caller]
    pub(crate) fn json(self, status: u16) -> Json {
        let answer = self.expect(status);
        serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error} in {}", answer.text()))
    }

    /// The problem details, of an answer that is one of this status and of this kind.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, kind: &str) -> Json {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let (id, nosniff) =
            (self.header("x-request-id").to_owned(), self.header("x-content-type-options").to_owned());
        let details = self.json(status);
        assert_eq!(details["type"], format!("urn:switchboard:problem:{kind}"), "{details}");
        assert_eq!((&details["status"], &details["instance"]), (&status.into(), &id.into()), "{details}");
        assert!(!details["title"].as_str().unwrap().is_empty() && nosniff == "nosniff", "{details}");
        details
    }

    /// The sentence, of an answer of this status in the shape of existing clients.
    #[track_caller]
    pub(crate) fn detail(self, status: u16) -> String {
        assert_eq!(self.header("content-type"), "application/json", "{}", self.text());
        let json = self.json(status);
        assert_eq!(json.as_object().unwrap().len(), 1, "{json}");
        json["detail"].as_str().unwrap_or_else(|| panic!("no sentence in {json}")).to_owned()
    }

    /// The faults of an answer of 422, as `type place`, in whichever shape.
    #[track_caller]
    pub(crate) fn faults(self) -> Vec<String> {
        let json = self.json(422);
        let faults = json["errors"].as_array().or(json["detail"].as_array());
        let faults = faults.unwrap_or_else(|| panic!("no faults in {json}"));
        let place = |fault: &Json| {
            let words = fault["loc"].as_array().unwrap().iter();
            words
                .map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(".")
        };
        let mut faults: Vec<String> = faults
            .iter()
            .map(|fault| format!("{} {}", fault["type"].as_str().unwrap(), place(fault)))
            .collect();
        faults.sort();
        faults
    }
}
