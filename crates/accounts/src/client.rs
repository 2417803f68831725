//! From where somebody signs in.

use std::net::{IpAddr, Ipv6Addr};

/// The most characters of a user agent that are kept.
const MOST_USER_AGENT: usize = 200;

/// From where somebody signs in, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// The address.
    pub address: Option<IpAddr>,
    /// What the browser, or the program, calls itself.
    pub user_agent: Option<String>,
}

impl Client {
    /// The address by which tries are counted. Whoever has one address of IPv6 has the 2^64 around it.
    pub fn counted_as(&self) -> String {
        match self.address.map(|address| address.to_canonical()) {
            None => "local".to_owned(),
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                format!("{}/64", Ipv6Addr::from(network))
            }
        }
    }

    /// The user agent, without what could mislead in a list, and no longer than a line.
    pub(crate) fn shown_agent(&self) -> Option<String> {
        let text = self.user_agent.as_deref()?;
        let clean: String = text.chars().filter(|c| !c.is_control()).take(MOST_USER_AGENT).collect();
        (!clean.is_empty()).then_some(clean)
    }
}

#[cfg(test)]
mod tests {
    use super::Client;

    #[test]
    fn neighbours_in_a_network_of_ipv6_are_counted_as_one() {
        let of =
            |address: &str| Client { address: Some(address.parse().unwrap()), user_agent: None }.counted_as();
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.7"), of("10.0.0.7"));
        assert_ne!(of("10.0.0.7"), of("10.0.0.8"));
    }
}
