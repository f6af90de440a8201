//! How long what piles up is kept.

use std::time::Duration;

use super::schedule::{Schedule, schedule};
use super::values::{SettingError, Source, text};

/// How long each kind of row is kept, and when the others are forgotten. What has no duration is kept for good.
#[derive(Debug, Clone)]
pub struct RetentionSettings {
    /// Jobs, from their end.
    pub jobs: Option<Duration>,
    /// Flagged records, from when they were resolved.
    pub flags: Option<Duration>,
    /// Sweeps, from when they were run.
    pub sweeps: Option<Duration>,
    /// The audit trail.
    pub audit: Option<Duration>,
    pub schedule: Option<Schedule>,
}

const DAY: Duration = Duration::from_hours(24);
/// Ten years: whoever wants more wants all.
const MOST_DAYS: u32 = 3_650;

impl RetentionSettings {
    pub(super) fn read(source: &impl Source) -> Result<Self, SettingError> {
        Ok(Self {
            jobs: days(source, "KEEP_JOBS_DAYS", Some(90))?,
            flags: days(source, "KEEP_FLAGS_DAYS", Some(90))?,
            sweeps: days(source, "KEEP_SWEEPS_DAYS", None)?,
            audit: days(source, "KEEP_AUDIT_DAYS", Some(365))?,
            schedule: schedule(source, "TIDY_SCHEDULE", "10 2 * * *")?,
        })
    }
}

fn days(source: &impl Source, name: &'static str, default: Option<u32>) -> Result<Option<Duration>, SettingError> {
    let days = match text(source, name) {
        None => default,
        Some(value) if value == "off" => None,
        Some(value) => match value.parse().ok().filter(|days| (1..=MOST_DAYS).contains(days)) {
            Some(days) => Some(days),
            None => return Err(SettingError { name, value, takes: "a number of days from 1 to 3650, or off" }),
        },
    };
    Ok(days.map(|days| DAY * days))
}
