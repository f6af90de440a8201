//! Reading single values: where they come from, and what is said of one that can't be used.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::SecretString;
use url::Url;

use super::address::without_password;

/// A setting that can't be used. It prints as one line that names the setting and what it takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {value:?}, but it takes {takes}")]
pub struct SettingError {
    pub name: &'static str,
    pub value: String,
    pub takes: &'static str,
}

/// Where values come from: the environment, or a map in tests.
pub trait Source {
    fn get(&self, name: &'static str) -> Option<String>;
}

/// The process environment.
pub struct Environment;

impl Source for Environment {
    fn get(&self, name: &'static str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl<F: Fn(&'static str) -> Option<String>> Source for F {
    fn get(&self, name: &'static str) -> Option<String> {
        self(name)
    }
}

/// The value, if there's one and it isn't blank.
pub(super) fn text(source: &impl Source, name: &'static str) -> Option<String> {
    source.get(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())
}

/// What is at a path, where it has to be there at the start.
pub(super) fn path_if(
    source: &impl Source,
    name: &'static str,
    takes: &'static str,
    fits: impl Fn(&Path) -> bool,
) -> Result<Option<PathBuf>, SettingError> {
    let Some(value) = text(source, name) else { return Ok(None) };
    let path = PathBuf::from(&value);
    if fits(&path) { Ok(Some(path)) } else { Err(SettingError { name, value, takes }) }
}

pub(super) fn parse<T: FromStr>(
    source: &impl Source,
    name: &'static str,
    takes: &'static str,
    default: T,
) -> Result<T, SettingError> {
    parse_if(source, name, takes, default, |_| true)
}

pub(super) fn parse_if<T: FromStr>(
    source: &impl Source,
    name: &'static str,
    takes: &'static str,
    default: T,
    fits: impl Fn(&T) -> bool,
) -> Result<T, SettingError> {
    let Some(value) = text(source, name) else { return Ok(default) };
    let parsed = value.parse().ok().filter(fits);
    parsed.ok_or(SettingError { name, value, takes })
}

pub(super) fn flag(source: &impl Source, name: &'static str, default: bool) -> Result<bool, SettingError> {
    match text(source, name).map(|v| v.to_lowercase()).as_deref() {
        None => Ok(default),
        Some("true" | "1" | "yes") => Ok(true),
        Some("false" | "0" | "no") => Ok(false),
        Some(other) => Err(SettingError { name, value: other.to_owned(), takes: "true or false" }),
    }
}

pub(super) fn url(source: &impl Source, name: &'static str, takes: &'static str) -> Result<Option<Url>, SettingError> {
    let Some(value) = text(source, name) else { return Ok(None) };
    match Url::parse(&value) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(url)),
        _ => Err(SettingError { name, value: without_password(&value), takes }),
    }
}

pub(super) fn secret(
    source: &impl Source,
    name: &'static str,
    shortest: usize,
    takes: &'static str,
) -> Result<Option<SecretString>, SettingError> {
    match text(source, name) {
        Some(value) if value.len() < shortest => Err(SettingError { name, value: "…".to_owned(), takes }),
        value => Ok(value.map(SecretString::from)),
    }
}
