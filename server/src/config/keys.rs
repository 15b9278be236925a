//! What is set of the keyring's keys.

use std::time::Duration;

use api::IsoDuration;
use clap::Args;
use engine::reencryption::BreakerPolicy;

use super::ConfigError;

/// How long a replica believes what it remembers, and when a key stops.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct KeyOptions {
    /// A replica that has not heard from the others for so long uses nothing that it remembers of keys and tokens
    #[arg(long, env = "ROTA_VIEW_LIMIT", default_value = "PT1S")]
    view_limit: IsoDuration,
    /// Percent of values under a version of a key that do not open, from which on the key is not rotated any more
    #[arg(long, env = "ROTA_KEY_ALARM_PERCENT", default_value_t = 5.0)]
    key_alarm_percent: f64,
}

/// The same, checked.
#[derive(Clone, Copy, Debug)]
pub struct KeySettings {
    /// How long what is remembered counts after it was last known to be complete (KEY-8).
    pub view_limit: Duration,
    /// From which rate of failures on a key stops (KEY-14).
    pub alarm: BreakerPolicy,
}

/// A revocation is obeyed everywhere within this time: more would be no bound.
const LONGEST_VIEW: Duration = Duration::from_secs(60);

impl KeyOptions {
    pub(super) fn check(self) -> Result<KeySettings, ConfigError> {
        let view_limit = Duration::from(self.view_limit);
        if view_limit.is_zero() || view_limit > LONGEST_VIEW {
            return Err(ConfigError::Invalid {
                setting: "ROTA_VIEW_LIMIT",
                problem:
                    "must lie between PT1S and PT60S: a revocation may take that long to be obeyed everywhere"
                        .to_owned(),
            });
        }
        let percent = self.key_alarm_percent;
        if !(percent > 0.0 && percent <= 100.0) {
            return Err(ConfigError::Invalid {
                setting: "ROTA_KEY_ALARM_PERCENT",
                problem: format!("is {percent}; expected more than 0 and at most 100"),
            });
        }
        Ok(KeySettings {
            view_limit,
            alarm: BreakerPolicy {
                percent,
                ..BreakerPolicy::default()
            },
        })
    }
}
