//! Which addresses are of the public internet, and which private ones an operator allows.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use ipnet::IpNet;

/// The private networks that plugins may call, by the operator's word: none by itself.
#[derive(Debug, Clone, Default)]
pub struct Networks(Arc<[IpNet]>);

impl Networks {
    /// These, besides the public internet.
    pub fn new(private: impl IntoIterator<Item = IpNet>) -> Self {
        Self(private.into_iter().collect())
    }

    /// Whether the address may be called.
    pub(super) fn allow(&self, address: IpAddr) -> bool {
        let address = meant(address);
        is_public(address) || self.0.iter().any(|network| network.contains(&address))
    }
}

/// The address that is reached in the end: within many IPv6 addresses stands an IPv4 address.
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address.to_canonical() else { return address.to_canonical() };
    let four = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match six.segments() {
        // NAT64 (RFC 6052), 6to4 (RFC 3056), and the form that came before mapped addresses.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => four(high, low),
        [0x2002, high, low, ..] => four(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high > 0 => four(high, low),
        _ => IpAddr::V6(six),
    }
}

/// Whether an address is of the public internet, by the registries of special purpose addresses of IANA (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_4(address),
        IpAddr::V6(address) => is_public_6(address),
    }
}

fn is_public_4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        // Shared by providers' customers (100.64.0.0/10), benchmarks, protocols, the end of 6to4.
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        // To many at once, for later, to all.
        || a >= 224)
}

fn is_public_6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // The public internet is 2000::/3; within it stand protocols (2001::/23), documentation, and no Teredo.
    first & 0xe000 == 0x2000
        && !(first == 0x2001 && second < 0x200)
        && !(first == 0x2001 && second == 0xdb8)
        && !(first == 0x3fff && second < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::Networks;

    #[test]
    fn what_is_not_of_the_public_internet_is_not_called() {
        let networks = Networks::default();
        for public in ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(networks.allow(public.parse().unwrap()), "{public}");
        }
        for private in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!networks.allow(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn an_operator_allows_networks_of_their_own() {
        let networks = Networks::new(["10.1.0.0/16".parse().unwrap(), "::1/128".parse().unwrap()]);
        for (address, may) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("::1", true),
            ("10.2.0.1", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(networks.allow(address.parse().unwrap()), may, "{address}");
        }
    }
}
