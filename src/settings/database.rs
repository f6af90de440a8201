//! The database, and how many connections there may be to it.

use std::fmt;

use url::Url;

use super::address::without_password;
use super::values::{SettingError, Source, parse_if, text};

/// Connections to PostgreSQL, unless more jobs at a time need more.
const POSTGRES_CONNECTIONS: u32 = 16;

/// Connections that the API, the queue and the dispatcher need beside those of running jobs.
const SPARE_CONNECTIONS: usize = 4;

/// Where the database is. Printed without the password that may be in it.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl From<String> for DatabaseUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl std::ops::Deref for DatabaseUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&without_password(&self.0), f)
    }
}

pub(super) fn database_url(source: &impl Source) -> Result<DatabaseUrl, SettingError> {
    let url = text(source, "DATABASE_URL").unwrap_or_else(|| "sqlite://data/prospectus.db".to_owned());
    // The driver tells what it can't read of an address whole, password and all.
    let is_postgres = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    if url.starts_with("sqlite:") || (is_postgres && Url::parse(&url).is_ok()) {
        return Ok(DatabaseUrl(url));
    }
    // The value may hold a password.
    let value = url.split_once(':').map_or("…", |(scheme, _)| scheme).to_owned();
    let takes = "sqlite://path or postgres://user:password@host/database";
    Err(SettingError { name: "DATABASE_URL", value, takes })
}

pub(super) fn database_pool(source: &impl Source, url: &str, concurrency: usize) -> Result<u32, SettingError> {
    let takes = "a whole number from 2 to 1000, at least 4 more than WORKER_CONCURRENCY with PostgreSQL";
    let least = concurrency + SPARE_CONNECTIONS;
    let default = u32::try_from(least).unwrap_or(u32::MAX).max(POSTGRES_CONNECTIONS);
    parse_if(source, "DATABASE_POOL", takes, default, |n: &u32| {
        (2..=1000).contains(n) && (url.starts_with("sqlite:") || *n as usize >= least)
    })
}
