//! The HTTP client that providers share: timeouts, a bound on what is read, errors without addresses in them
//! (an address may carry a key).

use std::time::{Duration, Instant};

use async_recursion::async_recursion as boxed;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, ClientBuilder, RequestBuilder, StatusCode};

use tracing::Instrument;
use tracing::field::Empty;

use super::ProviderError;
use crate::telemetry::metrics;

/// The longest answer that is read. Twenty years of daily bars are 3 MiB.
const LARGEST_BODY: usize = 64 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MOST_REDIRECTS: usize = 5;
/// The longest wait that a server may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// The longest that an answer may take to come, in silences, however steadily it does: others wait for their turn with the
/// provider.
const LONGEST_ANSWER: u32 = 20;

/// The beginning of a client whose reads time out after `silence`.
pub(super) fn builder(silence: Duration) -> ClientBuilder {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT.min(silence))
        .read_timeout(silence)
        .timeout(silence * LONGEST_ANSWER)
        // Addresses carry keys, which are nobody else's business.
        .referer(false)
        .redirect(Policy::custom(follow))
}

/// Follows a redirect to the same host alone, and never from https to http.
fn follow(redirect: Attempt<'_>) -> Action {
    let to = redirect.url();
    let Some(from) = redirect.previous().last() else { return redirect.stop() };
    let upgrade = from.scheme() == "http" && to.scheme() == "https";
    let same_origin = from.scheme() == to.scheme() && from.port_or_known_default() == to.port_or_known_default();
    if from.host_str() != to.host_str() || !(upgrade || same_origin) {
        return redirect.error("it redirects to another host, where nothing is sent");
    }
    if redirect.previous().len() > MOST_REDIRECTS {
        return redirect.error("it redirects without end");
    }
    redirect.follow()
}

/// A client that says who it is.
pub(super) fn client(silence: Duration) -> Result<Client, ProviderError> {
    builder(silence)
        .user_agent(concat!("prospectus/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| ProviderError::Unreachable { provider: "the network", why: error.to_string() })
}

/// A whole answer, whatever its status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: String,
}

/// Sends a request and reads the whole answer as text. Any status but success is an error, and so is a text that does not
/// pass the check: some providers write their errors into answers that look like success.
pub(super) async fn text(
    provider: &'static str,
    silence: Duration,
    request: RequestBuilder,
    check: impl FnOnce(&str) -> Result<(), ProviderError>,
) -> Result<String, ProviderError> {
    let checked = async {
        let Answer { status, retry_after, body } = as_text(provider, fetch(provider, silence, request).await?)?;
        if !status.is_success() {
            return Err(ProviderError::Status { provider, status: status.as_u16(), retry_after });
        }
        check(&body)?;
        Ok(body)
    };
    seen(provider, checked, |_| "ok").await
}

/// Sends a request and reads the whole answer as text.
#[boxed]
pub(super) async fn answer(
    provider: &'static str,
    silence: Duration,
    request: RequestBuilder,
) -> Result<Answer, ProviderError> {
    as_text(provider, bytes(provider, silence, request).await?)
}

fn as_text(provider: &'static str, Bytes { status, retry_after, body }: Bytes) -> Result<Answer, ProviderError> {
    let body = String::from_utf8(body)
        .map_err(|_| ProviderError::Malformed { provider, what: "bytes that aren't UTF-8 text".to_owned() })?;
    Ok(Answer { status, retry_after, body })
}

/// A whole answer that needn't be text, whatever its status.
pub(super) struct Bytes {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// Sends a request and reads the whole answer.
#[boxed]
pub(super) async fn bytes(
    provider: &'static str,
    silence: Duration,
    request: RequestBuilder,
) -> Result<Bytes, ProviderError> {
    let outcome = |answer: &Bytes| match answer.status {
        status if status.is_success() => "ok",
        StatusCode::NOT_FOUND | StatusCode::GONE => "not_found",
        _ => "status",
    };
    seen(provider, fetch(provider, silence, request), outcome).await
}

/// Makes a request a part of the trace, and counts how it ended. Its address may carry a key, so neither gets that.
async fn seen<T>(
    provider: &'static str,
    request: impl Future<Output = Result<T, ProviderError>>,
    outcome: impl FnOnce(&T) -> &'static str,
) -> Result<T, ProviderError> {
    let span = tracing::error_span!(
        "provider",
        otel.name = provider,
        otel.kind = "client",
        http.response.status_code = Empty,
        error.r#type = Empty,
        otel.status_code = Empty,
    );
    let began = Instant::now();
    let ended = request.instrument(span.clone()).await;
    let outcome = ended.as_ref().map_or_else(ProviderError::outcome, outcome);
    if outcome != "ok" {
        span.record("error.type", outcome);
    }
    if ended.is_err() {
        span.record("otel.status_code", "ERROR");
    }
    metrics::provider_called(provider, outcome, began.elapsed());
    ended
}

async fn fetch(provider: &'static str, silence: Duration, request: RequestBuilder) -> Result<Bytes, ProviderError> {
    let began = Instant::now();
    let longest = silence * LONGEST_ANSWER;
    let broken = |error: reqwest::Error| {
        transport_error(provider, if began.elapsed() < longest { silence } else { longest }, error)
    };
    let mut response = request.send().await.map_err(broken)?;
    let (status, retry_after) = (response.status(), retry_after(response.headers()));
    tracing::Span::current().record("http.response.status_code", status.as_u16());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > LARGEST_BODY {
            let what = format!("more than {} MiB", LARGEST_BODY >> 20);
            return Err(ProviderError::Malformed { provider, what });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Bytes { status, retry_after, body })
}

fn transport_error(provider: &'static str, after: Duration, error: reqwest::Error) -> ProviderError {
    if error.is_timeout() {
        return ProviderError::Timeout { provider, after };
    }
    if error.is_body() || error.is_decode() {
        return ProviderError::Malformed { provider, what: "an answer that broke off before its end".to_owned() };
    }
    let error = error.without_url();
    let mut why = error.to_string();
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(cause) = source {
        why = cause.to_string();
        source = cause.source();
    }
    ProviderError::Unreachable { provider, why }
}

/// Seconds or a date, as RFC 9110 has it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = value.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let at = chrono::DateTime::parse_from_rfc2822(value).ok()?;
        (at.to_utc() - chrono::Utc::now()).to_std().ok()?
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that never stops for as long as a silence, and never ends either.
    async fn dribble(listener: TcpListener) -> std::io::Result<()> {
        let (mut connection, _) = listener.accept().await?;
        let _ = connection.read(&mut [0; 1_024]).await?;
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await?;
        loop {
            connection.write_all(b" ").await?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn an_answer_that_comes_byte_by_byte_ends() {
        // As the program does at its start; a client can't be made without.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/", listener.local_addr().expect("its address"));
        let server = tokio::spawn(dribble(listener));
        let silence = Duration::from_millis(100);
        let request = client(silence).expect("a client").get(address);
        let error = fetch("The test", silence, request).await.err().expect("a timeout");
        let after = silence * LONGEST_ANSWER;
        assert!(matches!(error, ProviderError::Timeout { after: told, .. } if told == after), "{error}");
        server.abort();
    }
}
