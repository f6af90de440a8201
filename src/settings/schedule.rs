//! What is done by the clock, and when.

use std::fmt;
use std::str::FromStr;

use croner::Cron;

use super::values::{SettingError, Source, text};

/// A cron pattern and its text.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub cron: Cron,
    pub pattern: String,
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

pub(super) fn schedule(
    source: &impl Source,
    name: &'static str,
    default: &'static str,
) -> Result<Option<Schedule>, SettingError> {
    let pattern = text(source, name).unwrap_or_else(|| default.to_owned());
    if pattern == "off" {
        return Ok(None);
    }
    if let Ok(cron) = Cron::from_str(&pattern) {
        Ok(Some(Schedule { cron, pattern }))
    } else {
        let takes = "a cron pattern in UTC, such as \"30 23 * * 1-5\", or off";
        Err(SettingError { name, value: pattern, takes })
    }
}
