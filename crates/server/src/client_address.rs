//! From which address a client calls, and whether by https, also where proxies stand between.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The proxies whose word counts on who called them, and how. None by default: then whoever connects is the client.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    header: ProxyHeader,
}

/// In which header proxies say who called them. Only this one is read: a proxy that writes the one passes on the other as
/// the client wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyHeader {
    /// `X-Forwarded-For: 203.0.113.7, 10.0.0.2`.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=203.0.113.7, for="[2001:db8::1]:4711"`, RFC 7239.
    Forwarded,
}

/// What names neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an address such as `127.0.0.1` nor a network such as `10.0.0.0/8`")]
pub struct NotANetwork(String);

/// What names no header in which proxies say who called them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `X-Forwarded-For` or `Forwarded`, the headers in which proxies say who called them")]
pub struct NotAProxyHeader(String);

impl FromStr for ProxyHeader {
    type Err = NotAProxyHeader;

    fn from_str(text: &str) -> Result<Self, NotAProxyHeader> {
        match text.to_ascii_lowercase().as_str() {
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err(NotAProxyHeader(text.to_owned())),
        }
    }
}

impl Proxies {
    /// Those at these addresses and in these networks.
    ///
    /// # Errors
    /// [`NotANetwork`] naming the first that is none.
    pub fn new<'a>(
        trusted: impl IntoIterator<Item = &'a str>,
        header: ProxyHeader,
    ) -> Result<Self, NotANetwork> {
        let network = |text: &str| {
            let text = text.trim();
            let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| NotANetwork(text.to_owned()))
        };
        Ok(Self { trusted: trusted.into_iter().map(network).collect::<Result<_, _>>()?, header })
    }

    /// Who sent a request with these headers by a connection from this address: the last address that a trusted proxy
    /// vouches for, and that is not one itself.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        self.hop(peer, headers).0
    }

    /// Whether the client came by https, as the trusted proxy says to which it came.
    pub(crate) fn says_https(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        if !self.trust(peer.to_canonical()) {
            return false;
        }
        let said = match self.header {
            // Whoever writes it sets it anew, or adds its own behind what it was sent.
            ProxyHeader::XForwardedFor => {
                let last = headers.get_all(X_FORWARDED_PROTO).iter().next_back();
                last.and_then(|value| value.to_str().ok()?.rsplit(',').next())
            }
            ProxyHeader::Forwarded => self.hop(peer, headers).1.and_then(|hop| pair(hop, "proto")),
        };
        said.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
    }

    /// The client, and what the proxy to which it came says of it.
    fn hop<'a>(&self, peer: IpAddr, headers: &'a HeaderMap) -> (IpAddr, Option<&'a str>) {
        let (mut client, mut said) = (peer.to_canonical(), None);
        if !self.trust(client) {
            return (client, said);
        }
        let (name, read): (_, fn(&str) -> Option<IpAddr>) = match self.header {
            ProxyHeader::XForwardedFor => (X_FORWARDED_FOR, address),
            ProxyHeader::Forwarded => (header::FORWARDED, |hop| address(pair(hop, "for")?)),
        };
        // Each proxy writes behind what it was sent, so that what is furthest to the left is hearsay.
        let values = headers.get_all(name).iter().rev().map(HeaderValue::to_str);
        for hop in values.flat_map(|value| value.unwrap_or_default().rsplit(',')) {
            let Some(before) = read(hop) else { break };
            (client, said) = (before, Some(hop));
            if !self.trust(client) {
                break;
            }
        }
        (client, said)
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

/// What one part of `Forwarded` says of something.
fn pair<'a>(hop: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = hop.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(own, _)| own.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"'))
}

/// Leaves of what a request says of how it came what is known to be true: `X-Forwarded-Proto: https`, or nothing.
pub(crate) fn tell_encrypted(is_encrypted: bool, headers: &mut HeaderMap) {
    headers.remove(X_FORWARDED_PROTO);
    if is_encrypted {
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("https"));
    }
}

/// Whether a request came by https, of one that has been [told](tell_encrypted).
pub(crate) fn is_encrypted(headers: &HeaderMap) -> bool {
    headers.get(X_FORWARDED_PROTO).is_some_and(|scheme| scheme == "https")
}

/// An address, with or without a port; one of version 6 may stand in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use http::{HeaderMap, HeaderName};

    use super::{Proxies, ProxyHeader};

    fn client(proxies: &Proxies, peer: &str, headers: &[(&str, &str)]) -> String {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        proxies.client(peer.parse::<IpAddr>().unwrap(), &headers).to_string()
    }

    #[test]
    fn what_a_stranger_says_of_where_it_comes_from_is_nothing() {
        let says = [("x-forwarded-for", "1.2.3.4"), ("forwarded", "for=1.2.3.4")];
        for trusted in [vec![], vec!["10.0.0.0/8"]] {
            let proxies = Proxies::new(trusted, ProxyHeader::default()).unwrap();
            assert_eq!(client(&proxies, "203.0.113.7", &says), "203.0.113.7");
        }
    }

    #[test]
    fn the_client_is_the_last_that_is_no_proxy_of_ours() {
        let proxies = Proxies::new(["10.0.0.0/8", "::1"], ProxyHeader::default()).unwrap();
        for (said, came) in [
            ("203.0.113.7", "203.0.113.7"),
            ("1.2.3.4, 203.0.113.7", "203.0.113.7"),
            ("1.2.3.4, 203.0.113.7, 10.9.9.9", "203.0.113.7"),
            ("1.2.3.4,203.0.113.7:4711 , 10.9.9.9:80", "203.0.113.7"),
            ("1.2.3.4, [2001:db8::1]:99, ::ffff:10.9.9.9", "2001:db8::1"),
            ("10.1.1.1, 10.9.9.9", "10.1.1.1"),
            ("1.2.3.4, unknown, 10.9.9.9", "10.9.9.9"),
            ("1.2.3.4, 203.0.113.7,", "10.0.0.2"),
            ("", "10.0.0.2"),
        ] {
            assert_eq!(client(&proxies, "10.0.0.2", &[("x-forwarded-for", said)]), came, "{said}");
        }
        let lines = [("x-forwarded-for", "1.2.3.4, 203.0.113.7"), ("x-forwarded-for", "10.9.9.9")];
        assert_eq!(client(&proxies, "::ffff:10.0.0.2", &lines), "203.0.113.7");
        assert_eq!(client(&proxies, "::1", &[]), "::1");
    }

    #[test]
    fn one_header_is_read_and_the_other_is_what_the_client_made_of_it() {
        let says = [("forwarded", "for=1.2.3.4;proto=https, For=\"[2001:db8::1]:4711\";by=10.0.0.2")];
        let forwarded = Proxies::new(["10.0.0.0/8"], "Forwarded".parse().unwrap()).unwrap();
        assert_eq!(client(&forwarded, "10.0.0.2", &says), "2001:db8::1");
        assert_eq!(client(&forwarded, "10.0.0.2", &[("x-forwarded-for", "1.2.3.4")]), "10.0.0.2");
        assert_eq!(client(&forwarded, "10.0.0.2", &[("forwarded", "for=_hidden")]), "10.0.0.2");
        let other = Proxies::new(["10.0.0.0/8"], ProxyHeader::XForwardedFor).unwrap();
        assert_eq!(client(&other, "10.0.0.2", &says), "10.0.0.2");
    }

    #[test]
    fn https_is_what_a_trusted_proxy_says_it_is() {
        let of = |proxies: &Proxies, peer: &str, headers: &[(&'static str, &str)]| {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
                .collect();
            proxies.says_https(peer.parse().unwrap(), &headers)
        };
        let proxies = Proxies::new(["10.0.0.0/8"], ProxyHeader::XForwardedFor).unwrap();
        for (said, expected) in
            [("https", true), ("HTTPS", true), ("http", false), ("https, http", false), ("http,https", true)]
        {
            assert_eq!(of(&proxies, "10.0.0.2", &[("x-forwarded-proto", said)]), expected, "{said}");
            assert!(!of(&proxies, "203.0.113.7", &[("x-forwarded-proto", said)]), "{said} of a stranger");
        }
        assert!(!of(&proxies, "10.0.0.2", &[("forwarded", "for=203.0.113.7;proto=https")]));
        assert!(!of(&Proxies::default(), "127.0.0.1", &[("x-forwarded-proto", "https")]));

        let forwarded = Proxies::new(["10.0.0.0/8"], ProxyHeader::Forwarded).unwrap();
        for (said, expected) in [
            ("for=203.0.113.7;proto=https", true),
            ("for=203.0.113.7;proto=https, for=10.0.0.9;proto=http", true),
            ("for=1.2.3.4;proto=https, for=203.0.113.7;proto=http", false),
            ("for=203.0.113.7", false),
        ] {
            assert_eq!(of(&forwarded, "10.0.0.2", &[("forwarded", said)]), expected, "{said}");
        }
        assert!(!of(&forwarded, "10.0.0.2", &[("x-forwarded-proto", "https")]));
    }

    #[test]
    fn what_is_no_network_is_named() {
        for text in ["localhost", "10.0.0.0/33", "10.0.0", ""] {
            let refused = Proxies::new([text], ProxyHeader::default()).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("`{text}` is neither")), "{refused}");
        }
        assert!("Via".parse::<ProxyHeader>().unwrap_err().to_string().contains("X-Forwarded-For"));
    }
}
