//! How much a client may ask for: cost in a second, and guesses at tokens.

use std::cell::Cell;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;

use super::failure::failure;
use crate::actions::{Caller, Credential};

/// What a client may save up, in seconds of its rate.
const BURST_SECONDS: u32 = 10;
/// Wrong tokens from one address in a row, and how long until the next is looked at.
const GUESSES: NonZeroU32 = NonZeroU32::new(10).unwrap();
const GUESS_EVERY: Duration = Duration::from_secs(6);
/// How long an address that guesses is turned away.
const BLOCKED_FOR: Duration = Duration::from_mins(1);
/// How often what is known of clients long gone is forgotten.
const TIDY_EVERY: u32 = 4_096;

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub IpAddr);

/// Whom a rate is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Client {
    Settings,
    Token(i64),
    Address(IpAddr),
}

impl Client {
    /// Whoever is at an address.
    pub(super) fn at(address: IpAddr) -> Self {
        Self::Address(network(address))
    }

    /// The token, whether it comes with each request or has opened a session, else the address: who signs in again has no
    /// more than before.
    pub(super) fn of(caller: &Caller) -> Self {
        match caller.credential {
            Credential::Settings | Credential::Session { token: None, .. } => Self::Settings,
            Credential::Token(id) | Credential::Session { token: Some(id), .. } => Self::Token(id),
            Credential::None => Self::Address(caller.address),
        }
    }
}

/// The address of whoever sent a request, past the proxies that are trusted to name it.
pub(super) fn address_of(request: &Request, proxies: usize) -> IpAddr {
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::from([127, 0, 0, 1]), |peer| peer.0);
    network(forwarded(request.headers(), proxies).unwrap_or(peer))
}

/// Each proxy appends the address that it saw, so the last `proxies` entries are trusted ones'.
fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let nth = proxies.checked_sub(1)?;
    let values: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(str::trim)
        .collect();
    values.iter().rev().nth(nth).and_then(|text| text.parse().ok())
}

/// Whoever has an IPv6 address has a whole network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let s = v6.segments();
            Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0).into()
        }
        IpAddr::V4(v4) => v4.into(),
    }
}

pub(super) const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
pub(super) const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
pub(super) const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
pub(super) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A route's answer to a client that has spent what it may for now.
pub(super) fn refused(wait: Duration) -> Response {
    let seconds = seconds(wait);
    let message = format!("You ask for too much at once; try again in {seconds} s");
    let mut answer = failure("RATE_LIMITED", &message, None);
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// What a client may still spend, once it has been charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Allowance {
    limit: NonZeroU32,
    remaining: u32,
    per_second: NonZeroU32,
    /// How long it waits until it may do what it has been refused.
    wait: Option<Duration>,
}

tokio::task_local! {
    /// What the current request has left to its client.
    static LEFT: Cell<Option<Allowance>>;
}

/// Has an answer tell its client what it has left, by the headers that the IETF's draft on rates has.
pub(super) async fn telling(answer: impl Future<Output = Response>) -> Response {
    let answering = async {
        let mut response = answer.await;
        if let Some(allowance) = LEFT.with(Cell::get) {
            allowance.write(response.headers_mut());
        }
        response
    };
    LEFT.scope(Cell::new(None), answering).await
}

impl Allowance {
    fn write(self, headers: &mut HeaderMap) {
        let spent = self.limit.get().saturating_sub(self.remaining);
        headers.insert(LIMIT, self.limit.get().into());
        headers.insert(REMAINING, self.remaining.into());
        headers.insert(RESET, spent.div_ceil(self.per_second.get()).into());
        if let Ok(policy) = HeaderValue::from_str(&format!("{};w={BURST_SECONDS}", self.limit)) {
            headers.insert(POLICY, policy);
        }
        if let Some(wait) = self.wait {
            headers.insert(header::RETRY_AFTER, seconds(wait).into());
        }
    }
}

/// The limits of one process.
#[derive(Clone)]
pub(super) struct Rates(Arc<Limits>);

struct Limits {
    cost: Option<Costs>,
    guesses: DefaultKeyedRateLimiter<IpAddr>,
    blocked: Cache<IpAddr, ()>,
    clock: DefaultClock,
    calls: AtomicU32,
}

struct Costs {
    per_second: NonZeroU32,
    burst: NonZeroU32,
    limiter: RateLimiter<Client, DefaultKeyedStateStore<Client>, DefaultClock, StateInformationMiddleware>,
}

impl Rates {
    pub(super) fn new(cost_per_second: Option<NonZeroU32>) -> Self {
        let cost = cost_per_second.map(|per_second| {
            let burst = per_second.saturating_mul(NonZeroU32::new(BURST_SECONDS).unwrap_or(NonZeroU32::MIN));
            let limiter = RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst)).with_middleware();
            Costs { per_second, burst, limiter }
        });
        let guesses = Quota::with_period(GUESS_EVERY).unwrap_or(Quota::per_minute(GUESSES)).allow_burst(GUESSES);
        Self(Arc::new(Limits {
            cost,
            guesses: RateLimiter::keyed(guesses),
            blocked: Cache::builder().max_capacity(10_000).time_to_live(BLOCKED_FOR).build(),
            clock: DefaultClock::default(),
            calls: AtomicU32::new(0),
        }))
    }

    /// Charges a client for an operation.
    ///
    /// # Errors
    /// How long to wait before the next try.
    pub(super) fn charge(&self, client: Client, cost: u64) -> Result<(), Duration> {
        let Some(left) = self.spend(client, cost) else { return Ok(()) };
        // An operation of a socket has no answer with headers.
        let _ = LEFT.try_with(|cell| cell.set(Some(left)));
        left.wait.map_or(Ok(()), Err)
    }

    /// Charges a client for an answer that is at hand, which then tells what is left. False if it has to wait.
    pub(super) fn charge_for(&self, client: Client, cost: u64, answer: &mut HeaderMap) -> bool {
        let Some(left) = self.spend(client, cost) else { return true };
        left.write(answer);
        left.wait.is_none()
    }

    /// What a client has left; nothing is bounded without a limit.
    fn spend(&self, client: Client, cost: u64) -> Option<Allowance> {
        let Costs { per_second, burst, limiter } = self.0.cost.as_ref()?;
        if self.0.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(TIDY_EVERY) {
            limiter.retain_recent();
        }
        let units = NonZeroU32::new(u32::try_from(cost).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN).min(*burst);
        let (remaining, wait) = match limiter.check_key_n(&client, units) {
            Err(_) => return None,
            Ok(Ok(state)) => (state.remaining_burst_capacity(), None),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(self.0.clock.now());
                // What is there is what it would have cost, less what comes in while it waits.
                let comes_in = (wait.as_millis() * u128::from(per_second.get())).div_ceil(1_000);
                let lacking = u32::try_from(comes_in).unwrap_or(u32::MAX);
                (units.get().saturating_sub(lacking), Some(wait))
            }
        };
        Some(Allowance { limit: *burst, remaining, per_second: *per_second, wait })
    }

    /// Whether an address is turned away for its guesses.
    pub(super) fn is_blocked(&self, address: IpAddr) -> bool {
        self.0.blocked.contains_key(&address)
    }

    /// Counts a wrong token.
    pub(super) fn guessed(&self, address: IpAddr) {
        if self.0.guesses.check_key(&address).is_err() {
            self.0.blocked.insert(address, ());
        }
        if self.0.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(TIDY_EVERY) {
            self.0.guesses.retain_recent();
        }
    }
}

/// Whole seconds, for `Retry-After`.
pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_one_that_the_last_trusted_proxy_saw() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "1.1.1.1, 2.2.2.2".parse().expect("a header"));
        headers.append("x-forwarded-for", "3.3.3.3".parse().expect("a header"));
        assert_eq!(forwarded(&headers, 0), None);
        assert_eq!(forwarded(&headers, 1), Some(IpAddr::from([3, 3, 3, 3])));
        assert_eq!(forwarded(&headers, 2), Some(IpAddr::from([2, 2, 2, 2])));
        assert_eq!(forwarded(&headers, 4), None);
        assert_eq!(
            network("2001:db8:1:2:3:4:5:6".parse().expect("v6")),
            "2001:db8:1:2::".parse::<IpAddr>().expect("v6")
        );
        assert_eq!(network("::ffff:9.9.9.9".parse().expect("mapped")), IpAddr::from([9, 9, 9, 9]));
    }

    #[test]
    fn a_client_that_has_spent_its_rate_waits_and_another_does_not() {
        let rates = Rates::new(NonZeroU32::new(100));
        let (one, two) = (Client::Token(1), Client::Token(2));
        assert_eq!(rates.charge(one, 1_000), Ok(()));
        assert!(rates.charge(one, 100).is_err_and(|wait| wait > Duration::from_millis(500)));
        assert_eq!(rates.charge(two, 5_000), Ok(()), "more than can be saved up is clamped to it");
        assert_eq!(Rates::new(None).charge(one, u64::MAX), Ok(()));
    }

    #[test]
    fn a_session_is_the_client_that_its_token_is() {
        let client = |credential| Client::of(&Caller { credential, ..Caller::anonymous() });
        for session in [1, 2] {
            assert_eq!(client(Credential::Session { id: session, token: Some(7) }), client(Credential::Token(7)));
            assert_eq!(client(Credential::Session { id: session, token: None }), client(Credential::Settings));
        }
    }

    #[test]
    fn an_answer_at_hand_costs_as_much_and_tells_so() {
        let (rates, one) = (Rates::new(NonZeroU32::new(100)), Client::Token(1));
        let mut headers = HeaderMap::new();
        assert!(rates.charge_for(one, 600, &mut headers) && headers[REMAINING] == "400");
        assert!(rates.charge(one, 400).is_ok() && !rates.charge_for(one, 100, &mut headers));
        let mut headers = HeaderMap::new();
        assert!(Rates::new(None).charge_for(one, 600, &mut headers) && headers.is_empty());
    }

    #[test]
    fn an_address_that_guesses_is_turned_away() {
        let rates = Rates::new(None);
        let address = IpAddr::from([9, 9, 9, 9]);
        for _ in 0..10 {
            rates.guessed(address);
        }
        assert!(!rates.is_blocked(address));
        rates.guessed(address);
        assert!(rates.is_blocked(address) && !rates.is_blocked(IpAddr::from([8, 8, 8, 8])));
    }
}
