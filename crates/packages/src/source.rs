//! Where a package is: a file, an address, a place in a registry.

use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::Error;

/// What a place in a registry begins with.
const OCI: &str = "oci://";

/// Where a package is.
///
/// ```
/// use switchboard_packages::Source;
/// let source: Source = "oci://registry.example/plugins/hello:1.0.0".parse()?;
/// assert!(matches!(source, Source::Oci(_)));
/// # Ok::<(), switchboard_packages::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file of this machine.
    Path(PathBuf),
    /// An address, encrypted or of this machine.
    Url(Url),
    /// An artifact in a registry.
    Oci(OciReference),
}

/// An artifact in a registry: `registry/name:tag` or `registry/name@sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciReference(pub(crate) oci_client::Reference);

impl OciReference {
    /// Whether the registry is on this machine, and so may be asked without encryption.
    pub(crate) fn is_of_this_machine(&self) -> bool {
        let registry = self.0.resolve_registry();
        Url::parse(&format!("http://{registry}")).is_ok_and(|url| is_of_this_machine(&url))
    }

    /// The host and port of the registry.
    pub fn registry(&self) -> &str {
        self.0.registry()
    }
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let fault = |why: String| Error::NotASource { text: text.escape_debug().to_string(), why };
        if let Some(reference) = text.strip_prefix(OCI) {
            // Without a host before the first `/`, the library would think of a registry that nobody named.
            let named = reference.split_once('/').map(|(host, _)| host).unwrap_or_default();
            if !(named.contains(['.', ':']) || named == "localhost") {
                return Err(fault("no registry is named before the first `/`".to_owned()));
            }
            let reference: oci_client::Reference =
                reference.parse().map_err(|error: oci_client::ParseError| fault(error.to_string()))?;
            return Ok(Self::Oci(OciReference(reference)));
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            let url: Url = text.parse().map_err(|error: url::ParseError| fault(error.to_string()))?;
            if !url.username().is_empty() || url.password().is_some() {
                return Err(fault("a name or a password in an address would be kept and shown".to_owned()));
            }
            if !may_be_asked(&url) {
                return Err(Error::NotEncrypted { url: url.to_string() });
            }
            return Ok(Self::Url(url));
        }
        if text.contains("://") {
            return Err(fault("packages are not fetched by this protocol".to_owned()));
        }
        if text.is_empty() {
            return Err(fault("it is empty".to_owned()));
        }
        Ok(Self::Path(PathBuf::from(text)))
    }
}

/// Whether what comes from an address is what was sent there: encrypted, or from this machine.
pub(crate) fn may_be_asked(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_of_this_machine(url))
}

fn is_of_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Url(url) => write!(f, "{url}"),
            Self::Oci(OciReference(reference)) => write!(f, "{OCI}{}", reference.whole()),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn a_source_is_a_file_an_address_or_a_place_in_a_registry() {
        for good in [
            "hello-1.0.0.switchboard",
            "./a/b",
            "https://example.com/hello.switchboard",
            "http://127.0.0.1:8080/x",
            "http://localhost/x",
            "http://[::1]:9/x",
            "oci://registry.example/plugins/hello:1.0.0",
            "oci://localhost:5000/hello:1",
        ] {
            let source: Source = good.parse().unwrap();
            assert_eq!(source.to_string(), good);
        }
        for bad in [
            "",
            "http://example.com/x",
            "http://127.0.0.1.example.com/x",
            "http://localhost@example.com/x",
            "ftp://example.com/x",
            "https://user:password@example.com/x",
            "file:///etc/passwd",
            "oci://",
            "oci://hello:1",
            "oci://hello/there:1",
            "oci://registry.example/Hello:1",
            "https://",
            "http://169.254.169.254/x",
            "http://0.0.0.0/x",
        ] {
            assert!(bad.parse::<Source>().is_err(), "{bad}");
        }
    }
}
