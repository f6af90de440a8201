//! What never changes is compressed once, and goes out so to all who take it.

use std::io::Write;
use std::sync::LazyLock;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Response, header};
use axum::response::IntoResponse;
use flate2::Compression;
use flate2::write::GzEncoder;
use moka::sync::Cache;
use tower_http::compression::predicate::Predicate;

use super::answer;

/// Bytes of what is kept; the texts of one build are fewer.
const KEPT: u64 = 8 << 20;
/// What is shorter goes out as it is.
const SHORT: usize = 1 << 10;

/// Marks an answer that goes out as it is, for whoever would compress it.
#[derive(Clone, Copy)]
struct AsItIs;

/// Whether an answer may be compressed on its way out.
#[derive(Clone, Copy)]
pub(super) struct Unpacked;

impl Predicate for Unpacked {
    fn should_compress<B: axum::body::HttpBody>(&self, answer: &Response<B>) -> bool {
        answer.extensions().get::<AsItIs>().is_none()
    }
}

/// A text under its tag, by gzip where its client takes that.
pub(super) fn text(headers: &HeaderMap, tag: &str, text: Bytes) -> Response<Body> {
    static PACKED: LazyLock<Cache<String, Bytes>> = LazyLock::new(|| {
        let weigh = |tag: &String, packed: &Bytes| u32::try_from(tag.len() + packed.len()).unwrap_or(u32::MAX);
        Cache::builder().weigher(weigh).max_capacity(KEPT).build()
    });
    if text.len() < SHORT || !answer::takes_gzip(headers) {
        return whole(text);
    }
    packed(PACKED.get_with(tag.to_owned(), || answer::apart(|| gzip(&text))))
}

/// What is compressed already, by gzip.
pub(super) fn packed(bytes: Bytes) -> Response<Body> {
    let mut answer = whole(bytes);
    answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    answer
}

/// What goes out as it is.
pub(super) fn whole(bytes: Bytes) -> Response<Body> {
    let mut answer = ([(header::VARY, "Accept-Encoding")], bytes).into_response();
    answer.extensions_mut().insert(AsItIs);
    answer
}

fn gzip(text: &[u8]) -> Bytes {
    let mut packed = GzEncoder::new(Vec::with_capacity(text.len() / 3), Compression::default());
    // Memory takes all that is written to it.
    let _ = packed.write_all(text);
    packed.finish().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[tokio::test]
    async fn a_text_comes_packed_to_those_who_take_it_and_whole_to_others() {
        let long = Bytes::from("{ viewer { role } } ".repeat(500));
        let mut headers = HeaderMap::new();
        for (takes, encoding) in [("br", None), ("br, gzip", Some("gzip"))] {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(takes));
            let answer = text(&headers, "a tag", long.clone());
            assert!(!Unpacked.should_compress(&answer));
            let found = answer.headers().get(header::CONTENT_ENCODING).and_then(|v| v.to_str().ok()).map(str::to_owned);
            assert_eq!(found.as_deref(), encoding);
            let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
            let mut read = Vec::new();
            match encoding {
                Some(_) => assert!(GzDecoder::new(&*body).read_to_end(&mut read).is_ok() && body.len() < 1_000),
                None => read.extend_from_slice(&body),
            }
            assert_eq!(read, long);
        }
    }
}
