//! What crosses between a plugin and the host, as JSON.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json, json};
use switchboard_api::{
    Event, Failure, Fault, NewEvent, Payload, Rows, Secret, Timestamp, Value,
    capability::{BlobInfo, Engine, HttpRequest, HttpResponse, KvEntry, Scheduled},
};

/// Something that has a form in JSON, by which it is known again.
pub(crate) trait Wire: Sized {
    /// Its form.
    fn out(&self) -> Json;

    /// What has that form; nothing when there is none.
    fn back(form: &Json) -> Option<Self>;
}

/// Those whose form is that of serde.
macro_rules! by_serde {
    ($($type:ty),+ $(,)?) => {$(
        impl Wire for $type {
            fn out(&self) -> Json {
                written(self)
            }

            fn back(form: &Json) -> Option<Self> {
                read(form)
            }
        }
    )+};
}

by_serde!(
    (),
    bool,
    u64,
    String,
    Vec<String>,
    Option<u64>,
    Failure,
    Timestamp,
    Engine,
    Vec<Fault>,
    Vec<Scheduled>
);

fn written(value: &impl Serialize) -> Json {
    serde_json::to_value(value).unwrap_or_default()
}

fn read<T: DeserializeOwned>(form: &Json) -> Option<T> {
    T::deserialize(form).ok()
}

fn field<T: DeserializeOwned>(form: &Json, name: &str) -> Option<T> {
    read(form.get(name)?)
}

impl<T: Wire> Wire for Option<T>
where
    T: Structured,
{
    fn out(&self) -> Json {
        self.as_ref().map_or(Json::Null, Wire::out)
    }

    fn back(form: &Json) -> Option<Self> {
        if form.is_null() { Some(None) } else { T::back(form).map(Some) }
    }
}

/// What never has the form `null`.
pub(crate) trait Structured {}

impl Structured for KvEntry {}
impl Structured for Secret {}
impl Structured for BlobInfo {}

impl<T: Wire> Wire for Result<T, Failure> {
    fn out(&self) -> Json {
        match self {
            Ok(value) => json!({ "gave": value.out() }),
            Err(failure) => json!({ "failed": failure.out() }),
        }
    }

    fn back(form: &Json) -> Option<Self> {
        match (form.get("gave"), form.get("failed")) {
            (Some(value), _) => T::back(value).map(Ok),
            (None, Some(failure)) => Failure::back(failure).map(Err),
            (None, None) => None,
        }
    }
}

impl Wire for Bytes {
    fn out(&self) -> Json {
        match std::str::from_utf8(self) {
            Ok(text) => json!({ "text": text }),
            Err(_) => json!({ "base64": BASE64_STANDARD.encode(self) }),
        }
    }

    fn back(form: &Json) -> Option<Self> {
        match field::<String>(form, "text") {
            Some(text) => Some(text.into()),
            None => BASE64_STANDARD.decode(field::<String>(form, "base64")?).ok().map(Self::from),
        }
    }
}

impl Wire for Payload {
    fn out(&self) -> Json {
        self.to().unwrap_or_default()
    }

    fn back(form: &Json) -> Option<Self> {
        Self::of(form).ok()
    }
}

impl Wire for Value {
    fn out(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Boolean(value) => json!(value),
            Self::Integer(value) => json!(value),
            // A whole number stays one that has a fraction.
            Self::Real(value) => json!({ "real": value }),
            Self::Text(value) => json!(value),
            Self::Bytes(value) => value.out(),
        }
    }

    fn back(form: &Json) -> Option<Self> {
        Some(match form {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Boolean(*value),
            Json::Number(value) => Self::Integer(value.as_i64()?),
            Json::String(value) => Self::Text(value.clone()),
            Json::Object(_) => match field(form, "real") {
                Some(value) => Self::Real(value),
                None => Self::Bytes(Bytes::back(form)?),
            },
            Json::Array(_) => return None,
        })
    }
}

impl Wire for Vec<Value> {
    fn out(&self) -> Json {
        self.iter().map(Wire::out).collect()
    }

    fn back(form: &Json) -> Option<Self> {
        form.as_array()?.iter().map(Value::back).collect()
    }
}

impl Wire for Rows {
    fn out(&self) -> Json {
        let rows: Vec<Json> =
            self.clone().into_iter().map(|row| row.values().iter().map(Wire::out).collect()).collect();
        json!({ "columns": self.columns(), "rows": rows })
    }

    fn back(form: &Json) -> Option<Self> {
        let columns: Vec<String> = field(form, "columns")?;
        let rows = form.get("rows")?.as_array()?;
        let cells = rows.iter().map(Vec::<Value>::back).collect::<Option<Vec<_>>>()?;
        Some(Self::new(columns, cells.into_iter().flatten().collect()))
    }
}

impl Wire for KvEntry {
    fn out(&self) -> Json {
        json!({ "value": self.value.out(), "version": self.version, "expires_at": self.expires_at })
    }

    fn back(form: &Json) -> Option<Self> {
        let (version, expires_at) = (field(form, "version")?, field(form, "expires_at")?);
        Some(Self { value: Bytes::back(form.get("value")?)?, version, expires_at })
    }
}

/// What is secret is not written: whoever is called again is given what stands in its place, in all that was captured.
impl Wire for Secret {
    fn out(&self) -> Json {
        Self::HIDDEN.into()
    }

    fn back(form: &Json) -> Option<Self> {
        form.as_str().map(Self::new)
    }
}

impl Wire for BlobInfo {
    fn out(&self) -> Json {
        json!({ "size": self.size, "etag": self.etag, "modified": self.modified })
    }

    fn back(form: &Json) -> Option<Self> {
        Some(Self {
            size: field(form, "size")?,
            etag: field(form, "etag")?,
            modified: field(form, "modified")?,
        })
    }
}

impl Wire for NewEvent {
    fn out(&self) -> Json {
        json!({ "name": self.name, "subject": self.subject, "data": self.data.out() })
    }

    fn back(form: &Json) -> Option<Self> {
        let data = Payload::back(form.get("data")?)?;
        Some(Self { name: field(form, "name")?, subject: field(form, "subject")?, data })
    }
}

impl Wire for Event {
    fn out(&self) -> Json {
        json!({
            "id": self.id, "source": self.source, "name": self.name, "subject": self.subject, "time": self.time,
            "organization": self.organization, "actor": self.actor, "trace": self.trace, "data": self.data.out(),
            "attempt": self.attempt,
        })
    }

    fn back(form: &Json) -> Option<Self> {
        Some(Self {
            id: field(form, "id")?,
            source: field(form, "source")?,
            name: field(form, "name")?,
            subject: field(form, "subject")?,
            time: field(form, "time")?,
            organization: field(form, "organization")?,
            actor: field(form, "actor")?,
            trace: field(form, "trace")?,
            data: Payload::back(form.get("data")?)?,
            attempt: field(form, "attempt")?,
        })
    }
}

/// A header may be there more than once, and what is in it need be no text.
impl Wire for HeaderMap {
    fn out(&self) -> Json {
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            json!([name.as_str(), Bytes::copy_from_slice(value.as_bytes()).out()])
        };
        self.iter().map(header).collect()
    }

    fn back(form: &Json) -> Option<Self> {
        let header = |header: &Json| {
            let name: HeaderName = header.get(0)?.as_str()?.parse().ok()?;
            Some((name, HeaderValue::from_bytes(&Bytes::back(header.get(1)?)?).ok()?))
        };
        let headers = form.as_array()?.iter().map(header).collect::<Option<Vec<_>>>()?;
        let mut all = Self::new();
        for (name, value) in headers {
            all.append(name, value);
        }
        Some(all)
    }
}

impl Wire for HttpRequest {
    fn out(&self) -> Json {
        // What an author signs in with elsewhere is not for others.
        let shown = |(name, value): (&HeaderName, &HeaderValue)| {
            let value =
                if value.is_sensitive() { "***".into() } else { value.as_bytes().escape_ascii().to_string() };
            (name.as_str().to_owned(), Json::String(value))
        };
        let headers: Map<String, Json> = self.headers.iter().map(shown).collect();
        json!({ "method": self.method.as_str(), "url": self.url, "headers": headers, "body": self.body.out() })
    }

    fn back(_: &Json) -> Option<Self> {
        // Nobody asks for it: a request is only compared.
        None
    }
}

impl Wire for HttpResponse {
    fn out(&self) -> Json {
        json!({ "status": self.status.as_u16(), "headers": self.headers.out(), "body": self.body.out() })
    }

    fn back(form: &Json) -> Option<Self> {
        Some(Self {
            status: http::StatusCode::from_u16(field(form, "status")?).ok()?,
            headers: HeaderMap::back(form.get("headers")?)?,
            body: Bytes::back(form.get("body")?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn there_and_back<T: Wire + PartialEq + std::fmt::Debug>(value: &T) {
        let text = value.out().to_string();
        let form = serde_json::from_str(&text).unwrap();
        assert_eq!(T::back(&form).as_ref(), Some(value), "{text}");
    }

    #[test]
    fn what_is_written_is_known_again() {
        let values = vec![
            Value::Null,
            Value::Boolean(true),
            Value::Integer(i64::MIN),
            Value::Real(2.0),
            Value::Text("größer".to_owned()),
            Value::Bytes(Bytes::from_static(&[0, 255])),
            Value::Bytes(Bytes::from_static(b"text")),
        ];
        there_and_back(&Rows::new(["a".to_owned()].to_vec(), values.clone()));
        there_and_back(&values);
        let at: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let entry = KvEntry { value: Bytes::from_static(&[200]), version: u64::MAX, expires_at: Some(at) };
        there_and_back(&Some(entry.clone()));
        there_and_back(&None::<KvEntry>);
        there_and_back(&Ok::<_, Failure>(BlobInfo { size: 1, etag: "e".to_owned(), modified: at }));
        there_and_back(&Err::<(), _>(Failure::too_large("too large", 7)));
        let mut headers = HeaderMap::new();
        headers.append("set-cookie", HeaderValue::from_static("a"));
        headers.append("set-cookie", HeaderValue::from_bytes(&[200]).unwrap());
        there_and_back(&HttpResponse { status: http::StatusCode::OK, headers, body: Bytes::new() });
    }

    #[test]
    fn what_one_signs_in_with_elsewhere_is_not_written() {
        let request =
            HttpRequest::get("https://example.org").header("authorization", "Bearer secret").unwrap();
        let form = request.out().to_string();
        assert!(form.contains("***") && !form.contains("secret"), "{form}");
    }

    #[test]
    fn what_has_another_form_is_refused() {
        assert_eq!(Rows::back(&json!({"columns": ["a"], "rows": [[[]]]})), None);
        assert_eq!(Value::back(&json!(1.5)), None);
        assert_eq!(Bytes::back(&json!({"base64": "!"})), None);
        assert_eq!(Result::<bool, Failure>::back(&json!({})), None);
    }
}
