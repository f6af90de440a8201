//! Addresses, which may hold passwords that are never printed.

use std::fmt;
use std::net::SocketAddr;

use url::Url;

/// An address, printed without the name and the password that may be in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl From<Url> for Address {
    fn from(url: Url) -> Self {
        Self(url)
    }
}

impl std::ops::Deref for Address {
    type Target = Url;

    fn deref(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&without_password(self.0.as_str()), f)
    }
}

/// An address as it may be shown, whether it's well formed or not: what stands before an `@` may be a password, and so
/// may what follows a `?`.
pub(super) fn without_password(address: &str) -> String {
    let address = match address.split_once('?') {
        Some((before, _)) => format!("{before}?…"),
        None => address.to_owned(),
    };
    match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => format!("{}…{}", &address[..scheme + 3], &address[at..]),
        (None, Some(at)) => format!("…{}", &address[at..]),
        _ => address,
    }
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) fn default_public_url(listen: SocketAddr) -> Url {
    let host = if listen.ip().is_unspecified() { "localhost".to_owned() } else { host_of(listen) };
    Url::parse(&format!("http://{host}:{}", listen.port())).unwrap_or_else(|_| constant_url("http://localhost"))
}

fn host_of(listen: SocketAddr) -> String {
    match listen {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    }
}

/// For addresses written in the source.
pub(super) fn constant_url(address: &'static str) -> Url {
    Url::parse(address).expect("a valid address in the source")
}
