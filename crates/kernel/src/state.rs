//! Where a plugin stands in its life.

use serde::Serialize;

/// Where a plugin stands: discovered → validated → loaded → unloaded, with failed reachable from each.
///
/// Being enabled is not a state of the plugin but of a plugin and an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// Its manifest was found.
    Discovered,
    /// Its manifest is right, and what it needs is there.
    Validated,
    /// It serves.
    Loaded,
    /// It is switched off, by whom the reason says.
    Disabled {
        /// Who switched it off, and how it is switched on.
        reason: String,
    },
    /// It served, and was unloaded.
    Unloaded,
    /// It does not load.
    Failed {
        /// One sentence: why.
        reason: String,
    },
}

/// A step that does not follow from where a plugin stands: a fault of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a plugin that is {from} cannot become {to}")]
pub struct NoSuchStep {
    from: &'static str,
    to: &'static str,
}

impl State {
    /// What it needs is there.
    ///
    /// # Errors
    /// [`NoSuchStep`] for a plugin that is loaded.
    pub fn validated(&self) -> Result<Self, NoSuchStep> {
        match self {
            Self::Loaded => self.no_step("validated"),
            _ => Ok(Self::Validated),
        }
    }

    /// It serves from now on.
    ///
    /// # Errors
    /// [`NoSuchStep`] unless it was validated.
    pub fn loaded(&self) -> Result<Self, NoSuchStep> {
        match self {
            Self::Validated => Ok(Self::Loaded),
            _ => self.no_step("loaded"),
        }
    }

    /// It serves no more.
    ///
    /// # Errors
    /// [`NoSuchStep`] unless it was loaded.
    pub fn unloaded(&self) -> Result<Self, NoSuchStep> {
        match self {
            Self::Loaded => Ok(Self::Unloaded),
            _ => self.no_step("unloaded"),
        }
    }

    /// It does not load, for this reason; possible from everywhere.
    pub fn failed(&self, reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into() }
    }

    /// It is switched off.
    ///
    /// # Errors
    /// [`NoSuchStep`] for a plugin that is loaded: it is unloaded first.
    pub fn disabled(&self, reason: impl Into<String>) -> Result<Self, NoSuchStep> {
        match self {
            Self::Loaded => self.no_step("disabled"),
            _ => Ok(Self::Disabled { reason: reason.into() }),
        }
    }

    /// The state as lists name it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Discovered => "discovered",
            Self::Validated => "validated",
            Self::Loaded => "loaded",
            Self::Disabled { .. } => "disabled",
            Self::Unloaded => "unloaded",
            Self::Failed { .. } => "failed",
        }
    }

    /// Why it does not serve, if it was kept from it.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Disabled { reason } | Self::Failed { reason } => Some(reason),
            _ => None,
        }
    }

    fn no_step(&self, to: &'static str) -> Result<Self, NoSuchStep> {
        Err(NoSuchStep { from: self.as_str(), to })
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn only_a_validated_plugin_is_loaded() {
        for state in [State::Discovered, State::Loaded, State::Unloaded, State::Discovered.failed("broken")] {
            assert!(state.loaded().is_err(), "{state:?}");
        }
        assert_eq!(State::Validated.loaded(), Ok(State::Loaded));
    }

    #[test]
    fn a_plugin_is_unloaded_before_it_is_disabled() {
        let refusal = State::Loaded.disabled("by the operator").unwrap_err();
        assert_eq!(refusal.to_string(), "a plugin that is loaded cannot become disabled");
        assert!(State::Unloaded.disabled("by the operator").is_ok());
    }
}
