//! How often callers may ask, and how they are told: `RateLimit-Policy`, `RateLimit` and, where there were too many,
//! `Retry-After`, as the draft "RateLimit header fields for HTTP" of the IETF's working group HTTPAPI has them.

use std::{
    fmt::Display,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use switchboard_api::{AccountId, ActorKind, Organization, OrganizationId};
use switchboard_kernel::{Allowance, Pace, Principal, Rate, Ticks};

use crate::problem::Problem;

pub(crate) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub(crate) const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// How often callers may ask. Each limit can be left out.
#[derive(Debug, Clone)]
pub struct RateLimits {
    /// For each token, and each person who is signed in. 100 a second, 200 at once.
    pub token: Option<Rate>,
    /// For all who call for one organization, together. 1000 a second, 2000 at once.
    pub organization: Option<Rate>,
    /// For each address, over all requests that do not show who calls. 20 a second, 40 at once.
    pub address: Option<Rate>,
    /// By what they are counted.
    pub ticks: Ticks,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            token: Rate::new(100, 200),
            organization: Rate::new(1000, 2000),
            address: Rate::new(20, 40),
            ticks: Ticks::default(),
        }
    }
}

impl RateLimits {
    /// No limit but those that tokens, organizations and plugins have of their own.
    pub fn none() -> Self {
        Self { token: None, organization: None, address: None, ticks: Ticks::default() }
    }
}

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Counted {
    /// Those with one token, by its name, which no other has.
    Token(Arc<str>),
    /// Those of one person, in all their sessions.
    Account(AccountId),
}

/// What a limit is for; its name in the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    Token,
    Account,
    Organization,
    Plugin,
    Address,
}

impl Limit {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Account => "account",
            Self::Organization => "organization",
            Self::Plugin => "plugin",
            Self::Address => "address",
        }
    }
}

/// Of the limits that a request met, the one of which the least is left.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tightest(Option<(Limit, Allowance)>);

impl Tightest {
    /// Notes what is left of a limit. Where two are as tight, the later one counts: the one that refuses is the last.
    pub(crate) fn note(&mut self, limit: Limit, allowance: Allowance) {
        if self.0.is_none_or(|(_, tightest)| allowance.left <= tightest.left) {
            self.0 = Some((limit, allowance));
        }
    }

    /// Says it in the headers of the answer.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        let Some((limit, Allowance { rate, left, after })) = self.0 else { return };
        let (name, most, window) = (limit.as_str(), rate.burst(), rate.window());
        let mut tell = |header, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(header, value);
            }
        };
        tell(POLICY, format!("\"{name}\";q={most};w={window}"));
        tell(LEFT, format!("\"{name}\";r={left};t={}", whole_seconds(after)));
    }
}

/// Whole seconds, rounded up, so that nobody comes back too early.
pub(crate) fn whole_seconds(after: Duration) -> u64 {
    after.as_secs() + u64::from(after.subsec_nanos() > 0)
}

/// What callers have left.
pub(crate) struct Limiter {
    limits: RateLimits,
    callers: Pace<Counted>,
    organizations: Pace<OrganizationId>,
    addresses: Pace<IpAddr>,
}

impl Limiter {
    pub(crate) fn new(limits: RateLimits) -> Self {
        let ticks = || limits.ticks.clone();
        let (callers, organizations, addresses) =
            (Pace::new(ticks()), Pace::new(ticks()), Pace::new(ticks()));
        Self { limits, callers, organizations, addresses }
    }

    /// Takes one request of what a caller has left, at a rate of their own if they have one. Who it is not known is counted
    /// by address; the operator may as often as they like.
    pub(crate) fn caller(
        &self,
        caller: &Principal,
        from: Option<IpAddr>,
        tightest: &mut Tightest,
    ) -> Result<(), Problem> {
        let (whose, limit) = match (caller.kind, caller.account) {
            (ActorKind::System, _) => return Ok(()),
            (ActorKind::Anyone, _) => return self.address(from, tightest),
            (ActorKind::User, Some(account)) => (Counted::Account(account), Limit::Account),
            _ => (Counted::Token(Arc::clone(&caller.name)), Limit::Token),
        };
        let Some(rate) = caller.rate.or(self.limits.token) else { return Ok(()) };
        let taken = self.callers.take(&whose, rate);
        settle(taken, limit, tightest, || {
            let name = &caller.name;
            format!(
                "`{name}` called more often than it may: {rate}; call more slowly, or ask whoever runs this server for more"
            )
        })
    }

    /// Takes one request of what an organization has left, at a rate of its own if it has one.
    pub(crate) fn organization(
        &self,
        organization: &Organization,
        own: Option<Rate>,
        tightest: &mut Tightest,
    ) -> Result<(), Problem> {
        let Some(rate) = own.or(self.limits.organization) else { return Ok(()) };
        let taken = self.organizations.take(&organization.id, rate);
        settle(taken, Limit::Organization, tightest, || {
            let slug = &organization.slug;
            format!(
                "organization `{slug}` was called for more often than it may be: {rate}, by all together; call more slowly"
            )
        })
    }

    /// Takes one request of what an address has left; where there is none, the request did not come from elsewhere.
    pub(crate) fn address(&self, from: Option<IpAddr>, tightest: &mut Tightest) -> Result<(), Problem> {
        let (Some(from), Some(rate)) = (from, self.limits.address) else { return Ok(()) };
        let taken = self.addresses.take(&site(from), rate);
        settle(taken, Limit::Address, tightest, || {
            format!(
                "{from} asked without a valid token more often than it may: {rate}; call more slowly, or show a token"
            )
        })
    }
}

/// Whoever has one address of version 6 has all that share its first half.
fn site(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

fn settle<D: Display>(
    taken: Result<Allowance, Allowance>,
    limit: Limit,
    tightest: &mut Tightest,
    detail: impl FnOnce() -> D,
) -> Result<(), Problem> {
    let (Ok(allowance) | Err(allowance)) = taken;
    tightest.note(limit, allowance);
    match taken {
        Ok(_) => Ok(()),
        Err(Allowance { after, .. }) => Err(Problem::too_many(limit, detail().to_string(), after)),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        hint::black_box,
        net::IpAddr,
        sync::Arc,
        time::{Duration, Instant},
    };

    use http::HeaderMap;
    use switchboard_api::{AccountId, ActorKind, Organization, OrganizationId};
    use switchboard_kernel::{Allowance, Principal, Rate, Ticks};

    use super::{LEFT, Limit, Limiter, POLICY, RateLimits, Tightest, site};

    fn one_each() -> Limiter {
        let one = Rate::new(1, 1);
        Limiter::new(RateLimits { token: one, organization: one, address: one, ticks: Ticks::by_hand() })
    }

    #[test]
    fn each_kind_of_caller_is_counted_by_what_it_is_known_by() {
        let limiter = one_each();
        let from = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let takes = |caller: &Principal, from| limiter.caller(caller, from, &mut Tightest::default()).is_ok();
        let user = |account| Principal {
            kind: ActorKind::User,
            account: Some(AccountId(account)),
            ..Principal::anyone()
        };
        let token = |name: &str| Principal { kind: ActorKind::Token, name: name.into(), ..user(1) };
        assert!(takes(&user(1), None) && !takes(&user(1), None), "one person, in all their sessions");
        assert!(takes(&user(2), None) && takes(&token("theirs"), None) && !takes(&token("theirs"), None));
        let anyone = Principal::anyone();
        assert!(takes(&anyone, from("192.0.2.1")) && !takes(&anyone, from("192.0.2.1")));
        assert!(takes(&anyone, from("192.0.2.2")) && takes(&token("other"), from("192.0.2.2")));
        assert!((0..9).all(|_| takes(&Principal::local(), None)), "the operator as often as they like");
    }

    #[test]
    fn what_limits_add_to_a_request_is_printed() {
        let (most, calls) = (Rate::new(1_000_000, 1_000_000), 200_000);
        let limits = RateLimits { token: most, organization: most, address: most, ticks: Ticks::default() };
        let limiter = Limiter::new(limits);
        let caller = Principal { kind: ActorKind::Token, name: "busy".into(), ..Principal::local() };
        let organization = Arc::new(Organization {
            id: OrganizationId(1),
            slug: "acme".to_owned(),
            name: "Acme".to_owned(),
        });
        let each = |tell: bool| {
            let begun = Instant::now();
            for _ in 0..calls {
                let mut tightest = Tightest::default();
                let _ = black_box(limiter.caller(&caller, None, &mut tightest).is_ok());
                let _ = black_box(limiter.organization(&organization, None, &mut tightest).is_ok());
                if tell {
                    let mut headers = HeaderMap::with_capacity(8);
                    tightest.tell(&mut headers);
                    black_box(headers);
                }
            }
            begun.elapsed() / calls
        };
        println!("counted: {:?} a request; counted and told: {:?}", each(false), each(true));
    }

    #[test]
    fn the_tightest_limit_is_told_in_whole_seconds() {
        let mut tightest = Tightest::default();
        let rate = Rate::new(1000, 2000).unwrap();
        tightest.note(Limit::Organization, Allowance { rate, left: 900, after: Duration::from_millis(1100) });
        let rate = Rate::new(100, 250).unwrap();
        tightest.note(Limit::Token, Allowance { rate, left: 249, after: Duration::from_millis(10) });
        let mut headers = HeaderMap::new();
        tightest.tell(&mut headers);
        assert_eq!(headers[POLICY], "\"token\";q=250;w=3");
        assert_eq!(headers[LEFT], "\"token\";r=249;t=1");
        let mut none = HeaderMap::new();
        Tightest::default().tell(&mut none);
        assert!(none.is_empty());
    }

    #[test]
    fn addresses_of_one_network_of_version_6_are_one_caller() {
        let site = |text: &str| site(text.parse::<IpAddr>().unwrap()).to_string();
        assert_eq!(site("2001:db8:1:2:3:4:5:6"), site("2001:db8:1:2::"));
        assert_ne!(site("2001:db8:1:2::1"), site("2001:db8:1:3::1"));
        assert_eq!(site("203.0.113.7"), "203.0.113.7");
    }
}
