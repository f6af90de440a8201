//! Connections: how many, how long each may take to say what it wants, and how they end.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Layer;
use tower::util::MapRequestLayer;

use super::rates::{Client, Peer};
use super::shares::{Room, Shares};
use super::streams::Over;
use crate::app::App;

/// How long a request's head may take, and a connection may say nothing between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// What a connection of HTTP/2 begins with, and how often one is looked at that has begun to say so: until it is whole,
/// nobody counts the time.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a client may take nothing of an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a request's head: an address has 64 KiB at most, an operation in it among them.
const LARGEST_HEAD: usize = 80 << 10;
/// Requests at a time on one HTTP/2 connection, and bytes of their bodies that nobody has read yet: of one, and of all.
const MOST_STREAMS: u32 = 64;
const UNREAD_BODY: u32 = 128 << 10;
const UNREAD_BODIES: u32 = 256 << 10;
/// How long a connection that has just come may take once the process stops.
const LAST_REQUEST: Duration = Duration::from_millis(300);
/// How long a connection that the system has begun to let in may take to be whole.
const HANDSHAKE: Duration = Duration::from_millis(200);
/// How long to wait where the system has no more sockets to give.
const NO_SOCKETS: Duration = Duration::from_millis(50);

/// A connection's place among its client's, and among all. A socket keeps it once the connection has become one. Whoever
/// gets the second when it's free finds the first free, too.
#[derive(Clone)]
pub(super) struct Place {
    _share: Option<Arc<Room>>,
    _all: Option<Arc<OwnedSemaphorePermit>>,
}

/// Connections that have asked for nothing yet, the eldest first: where all places are taken, they make room.
#[derive(Clone, Default)]
struct Silent(Arc<Mutex<VecDeque<Weak<CancellationToken>>>>);

impl Silent {
    /// From here on those that have gone or begun are looked for behind the first, too.
    const MANY: usize = 16_384;

    /// One more, for as long as what comes back lives; it is cancelled when it has to go.
    fn enter(&self) -> Arc<CancellationToken> {
        let told = Arc::new(CancellationToken::new());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while all.front().is_some_and(|first| first.strong_count() == 0) {
            all.pop_front();
        }
        if all.len() >= Self::MANY {
            all.retain(|one| one.strong_count() > 0);
        }
        all.push_back(Arc::downgrade(&told));
        told
    }

    /// The eldest goes.
    fn let_go(&self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(first) = all.pop_front() {
            if let Some(told) = first.upgrade() {
                told.cancel();
                return;
            }
        }
    }
}

/// Serves until the app is asked to stop, and then for as long as its settings say: a load balancer that asks whether the
/// process is ready sends nothing new by then, and nobody meets a closed door with a request on its way.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, router: Router, app: App) -> io::Result<()> {
    let slots = Arc::new(Semaphore::new(app.settings.http.max_connections));
    // Behind a proxy all connections are its own.
    let shares = (app.settings.http.trusted_proxies == 0).then(|| Shares::new(app.settings.http.max_connections));
    let connections = TaskTracker::new();
    let closing = CancellationToken::new();
    let silent = Silent::default();
    let admit = |stream: TcpStream, peer: SocketAddr, slot: Option<OwnedSemaphorePermit>| {
        let (router, closing) = (router.clone(), closing.clone());
        let share = match &shares {
            Some(shares) => match shares.room_now(Client::at(peer.ip()), 1) {
                Some(share) => Some(share),
                // The others' half is theirs.
                None => return,
            },
            None => None,
        };
        let place = Place { _share: share.map(Arc::new), _all: slot.map(Arc::new) };
        connections.spawn(connection(stream, peer, place, silent.enter(), router, closing));
    };
    let mut drained = Box::pin(async {
        app.shutdown.cancelled().await;
        tokio::time::sleep(app.settings.http.drain).await;
        if let Err(error) = let_nobody_in(&listener) {
            tracing::debug!(%error, "connections may still come while the listener closes");
        }
        tokio::time::sleep(HANDSHAKE).await;
    });
    // One that has come and has no place yet.
    let mut next = None;
    loop {
        let placed = async {
            if next.is_none() {
                next = Some(listener.accept().await?);
            }
            if let Ok(slot) = slots.clone().try_acquire_owned() {
                return Ok(Some(slot));
            }
            silent.let_go();
            // It is never closed.
            Ok(slots.clone().acquire_owned().await.ok())
        };
        tokio::select! {
            biased;
            () = &mut drained => break,
            placed = placed => match placed {
                Ok(slot) => {
                    if let Some((stream, peer)) = next.take() {
                        admit(stream, peer, slot);
                    }
                }
                Err(error) => {
                    let error: io::Error = error;
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(NO_SOCKETS).await;
                }
            },
        }
    }
    drop(drained);
    if let Some((stream, peer)) = next {
        admit(stream, peer, None);
    }
    // Whoever the system has let in already is answered as well; past that, there is nobody to be cut off.
    let listener = listener.into_std()?;
    while let Ok((stream, peer)) = listener.accept() {
        stream.set_nonblocking(true)?;
        admit(TcpStream::from_std(stream)?, peer, None);
    }
    drop(listener);
    closing.cancel();
    connections.close();
    connections.wait().await;
    Ok(())
}

/// From now on, whoever begins a connection hears nothing, and tries again when the listener is gone. A listener that
/// closes resets what the system let in since it was last looked at.
#[cfg(target_os = "linux")]
fn let_nobody_in(listener: &TcpListener) -> io::Result<()> {
    use socket2::SockFilter;
    const FLAGS: u32 = 13;
    const ACK: u32 = 0x10;
    // A classic BPF program over the TCP header: of all segments, only a connection's first has no ACK.
    // The codes are those of linux/bpf_common.h.
    const LOAD_BYTE: u16 = 0x30;
    const JUMP_IF_SET: u16 = 0x45;
    const RETURN: u16 = 0x06;
    socket2::SockRef::from(listener).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(JUMP_IF_SET, 0, 1, ACK),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ])
}

#[cfg(not(target_os = "linux"))]
fn let_nobody_in(_: &TcpListener) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    silent: Arc<CancellationToken>,
    router: Router,
    closing: CancellationToken,
) {
    // Two small messages in a row would wait for each other otherwise.
    let _ = stream.set_nodelay(true);
    let last = || async {
        closing.cancelled().await;
        tokio::time::sleep(LAST_REQUEST).await;
    };
    let has_begun = tokio::select! {
        has_begun = has_begun(&stream) => has_begun,
        () = silent.cancelled() => false,
        () = last() => false,
    };
    if !has_begun {
        return;
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let peer = Peer(peer.ip());
    let over = Over::default();
    let cut_off = over.0.clone();
    let told = CancellationToken::clone(&silent);
    let silent = Arc::new(Mutex::new(Some(silent)));
    let named = MapRequestLayer::new(move |mut request: axum::http::Request<_>| {
        silent.lock().unwrap_or_else(PoisonError::into_inner).take();
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(over.clone());
        request.extensions_mut().insert(place.clone());
        request
    });
    let service = TowerToHyperService::new(named.layer(router));
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(LARGEST_HEAD)
        // How a client spells the names of headers goes along with its request; a socket's answer spells them so.
        .preserve_header_case(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .initial_stream_window_size(UNREAD_BODY)
        .initial_connection_window_size(UNREAD_BODIES)
        .keep_alive_interval(HEAD_TIMEOUT)
        .keep_alive_timeout(HEAD_TIMEOUT);
    let mut serving = pin!(builder.serve_connection_with_upgrades(TokioIo::new(Box::pin(stream)), service));
    let ended = async {
        tokio::select! {
            ended = serving.as_mut() => return ended,
            () = last() => {}
        }
        serving.as_mut().graceful_shutdown();
        serving.await
    };
    let Some(Some(ended)) = cut_off.run_until_cancelled(told.run_until_cancelled(ended)).await else {
        tracing::debug!(
            "a connection was cut off: its client took nothing of its answers, or asked for nothing in a crowd"
        );
        return;
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Waits until a client has said which protocol it speaks; false if it doesn't in time.
async fn has_begun(stream: &TcpStream) -> bool {
    let begun = async {
        let mut first = [0; PREFACE.len()];
        loop {
            match stream.peek(&mut first).await {
                Ok(0) | Err(_) => return false,
                Ok(bytes) if bytes == PREFACE.len() || !PREFACE.starts_with(&first[..bytes]) => return true,
                Ok(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    };
    tokio::time::timeout(HEAD_TIMEOUT, begun).await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// What a server finds of a connection over which this was said.
    async fn begun(said: &[u8]) -> Option<bool> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let mut client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a connection");
        let (stream, _) = listener.accept().await.expect("a connection");
        client.write_all(said).await.expect("written");
        let begun = tokio::time::timeout(LOOK_EVERY * 4, has_begun(&stream)).await.ok();
        drop(client);
        begun
    }

    #[test]
    fn the_eldest_silent_one_makes_room() {
        let silent = Silent::default();
        let (gone, elder, younger) = (silent.enter(), silent.enter(), silent.enter());
        drop(gone);
        silent.let_go();
        assert!(elder.is_cancelled() && !younger.is_cancelled());
        drop(younger);
        silent.let_go();
        assert!(silent.0.lock().expect("those that are silent").is_empty());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn who_is_in_is_served_and_nobody_comes_in_any_more() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let mut client = TcpStream::connect(address).await.expect("a connection");
        let_nobody_in(&listener).expect("a filter");
        let late = tokio::spawn(TcpStream::connect(address));
        tokio::time::sleep(HANDSHAKE).await;
        assert!(!late.is_finished());
        client.write_all(b"GET").await.expect("written");
        let (stream, _) = listener.accept().await.expect("the connection that was there");
        assert!(has_begun(&stream).await);
        drop(listener);
        let refused = late.await.expect("an end").expect_err("no connection");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn what_has_not_begun_is_not_served_yet() {
        for said in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM"] {
            assert_eq!(begun(said).await, None, "{said:?}");
        }
        for said in [&b"G"[..], b"POST", b"PRO", PREFACE, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0"] {
            assert_eq!(begun(said).await, Some(true), "{said:?}");
        }
    }
}
