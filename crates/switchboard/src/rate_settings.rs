//! `[rate_limits]` in `switchboard.toml`: how often callers may ask.

use serde::Deserialize;
use switchboard_kernel::Rate;
use switchboard_server::RateLimits;

/// How often callers may ask; what is absent is as the server has it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RateSettings {
    /// For each token, and each person who is signed in.
    token: Option<RateSetting>,
    /// For all who call for one organization.
    organization: Option<RateSetting>,
    /// For each address, over requests that do not show who calls.
    address: Option<RateSetting>,
}

/// One limit: `100`, `{ per_second = 100, burst = 200 }`, or `"none"`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "Written")]
struct RateSetting(Option<Rate>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a limit is 100, { per_second = 100, burst = 200 } or \"none\"")]
enum Written {
    PerSecond(u32),
    WithBurst(WithBurst),
    Word(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WithBurst {
    per_second: u32,
    burst: u32,
}

impl TryFrom<Written> for RateSetting {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let rate = match &written {
            Written::Word(word) if word == "none" => return Ok(Self(None)),
            Written::Word(word) => return Err(format!("`{word}` is no limit: write a number, or \"none\"")),
            Written::PerSecond(most) => Rate::steady(*most),
            Written::WithBurst(WithBurst { per_second, burst }) => Rate::new(*per_second, *burst),
        };
        let says = "a limit's numbers are from 1 to 1000000; write \"none\" for no limit";
        rate.map(|rate| Self(Some(rate))).ok_or_else(|| says.to_owned())
    }
}

impl RateSettings {
    /// The limits with what is set here.
    pub(crate) fn limits(&self) -> RateLimits {
        let usual = RateLimits::default();
        let set = |setting: Option<RateSetting>, usual| setting.map_or(usual, |RateSetting(rate)| rate);
        RateLimits {
            token: set(self.token, usual.token),
            organization: set(self.organization, usual.organization),
            address: set(self.address, usual.address),
            ..usual
        }
    }
}

#[cfg(test)]
mod tests {
    use switchboard_kernel::Rate;

    use super::RateSettings;

    #[test]
    fn a_limit_is_a_number_or_two_or_none_and_what_is_absent_stays() {
        let written = "token = 50\norganization = 'none'\n";
        let limits = toml::from_str::<RateSettings>(written).unwrap().limits();
        assert_eq!((limits.token, limits.organization), (Rate::new(50, 100), None));
        assert_eq!(limits.address, Rate::new(20, 40));
        let written = "address = { per_second = 5, burst = 7 }";
        let limits = toml::from_str::<RateSettings>(written).unwrap().limits();
        assert_eq!((limits.address, limits.token), (Rate::new(5, 7), Rate::new(100, 200)));
    }

    #[test]
    fn what_is_no_limit_is_said_with_its_line() {
        for (written, says) in [
            ("\ntoken = 0", "from 1 to 1000000"),
            ("\ntoken = 'much'", "`much` is no limit"),
            ("\ntoken = [1]", "a limit is 100"),
            ("\ntokens = 1", "unknown field `tokens`"),
        ] {
            let error = toml::from_str::<RateSettings>(written).unwrap_err().to_string();
            assert!(error.contains("line 2") && error.contains(says), "{error}");
        }
    }
}
