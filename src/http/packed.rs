//! What never changes is compressed once, and goes out so to all who take it; other answers, so many at a time.

use std::io::Write;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, header};
use axum::middleware::Next;
use axum::response::IntoResponse;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Frame, SizeHint};
use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

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
struct Unpacked;

impl Predicate for Unpacked {
    fn should_compress<B: axum::body::HttpBody>(&self, answer: &Response<B>) -> bool {
        answer.extensions().get::<AsItIs>().is_none()
    }
}

/// Answers that may be compressed at a time: each has a coder of a few hundred KiB until its client has taken it.
const MOST_CODERS: usize = 256;

/// Places of coders.
#[derive(Clone)]
pub(super) struct Coders(Arc<Semaphore>);

impl Default for Coders {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST_CODERS)))
    }
}

impl Coders {
    /// An answer with a place until it's gone; where there is none, one that goes out as it is.
    fn place(&self, mut answer: Response<Body>) -> Response<Body> {
        if let Ok(place) = self.0.clone().try_acquire_owned() {
            return answer.map(|body| Body::new(Placed { body, _place: place }));
        }
        // Another time it may be compressed.
        answer.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
        answer.extensions_mut().insert(AsItIs);
        answer
    }
}

/// Whether an answer gains by being compressed. Tables in binary forms gain little, and may be long.
pub(super) fn worth_compressing() -> impl Predicate {
    DefaultPredicate::new().and(NotForContentType::const_new("application/vnd.apache")).and(Unpacked)
}

/// Finds places for answers that are compressed.
pub(super) async fn placed(State(coders): State<Coders>, request: Request, next: Next) -> Response<Body> {
    let accepts = request.headers().get(header::ACCEPT_ENCODING).is_some_and(|codings| codings != "identity");
    let answer = next.run(request).await;
    if accepts && worth_compressing().should_compress(&answer) { coders.place(answer) } else { answer }
}

/// A body with the place of its coder.
struct Placed {
    body: Body,
    _place: OwnedSemaphorePermit,
}

impl HttpBody for Placed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
    async fn so_many_answers_are_compressed_at_a_time_and_others_go_out_as_they_are() {
        let coders = Coders::default();
        let answer = || coders.place(Response::new(Body::from("a long answer")));
        let mut held: Vec<_> = (0..MOST_CODERS).map(|_| answer()).collect();
        assert!(held.iter().all(|answer| Unpacked.should_compress(answer)));
        assert_eq!(held[0].body().size_hint().exact(), Some(13));
        let whole = answer();
        assert!(!Unpacked.should_compress(&whole) && whole.headers()[header::VARY] == "accept-encoding");
        let taken = held.pop().expect("an answer").into_body();
        assert_eq!(&axum::body::to_bytes(taken, 100).await.expect("a body")[..], b"a long answer");
        assert!(Unpacked.should_compress(&answer()));
    }

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
