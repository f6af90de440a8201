//! A TCP proxy in front of a server, to cut connections or to let them fall silent.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
struct Line {
    refusing: AtomicBool,
    /// Somebody was refused.
    refused: Notify,
    /// Ends what is connected now.
    cut: Mutex<CancellationToken>,
    /// Stops the bytes of what is connected now, and closes nothing.
    silence: Mutex<CancellationToken>,
}

/// The proxy; it goes with the runtime.
pub struct Proxy {
    pub port: u16,
    line: Arc<Line>,
}

impl Proxy {
    /// In front of a port of this machine.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("an address").port();
        let line: Arc<Line> = Arc::default();
        let shared = line.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if shared.refusing.load(Ordering::SeqCst) {
                    shared.refused.notify_waiters();
                } else {
                    tokio::spawn(pass(client, port, shared.clone()));
                }
            }
        });
        Self { port: own, line }
    }

    /// Closes every connection, and takes no new one until `mend`.
    pub fn cut(&self) {
        self.line.refusing.store(true, Ordering::SeqCst);
        std::mem::take(&mut *self.line.cut.lock().expect("a token")).cancel();
    }

    /// Waits until one more has tried to connect in vain.
    pub async fn has_refused(&self) {
        tokio::time::timeout(Duration::from_mins(1), self.line.refused.notified()).await.expect("one that tries");
    }

    /// Takes connections again.
    pub fn mend(&self) {
        self.line.refusing.store(false, Ordering::SeqCst);
    }

    /// Lets no more bytes through the connections there are; new ones work.
    pub fn silence(&self) {
        std::mem::take(&mut *self.line.silence.lock().expect("a token")).cancel();
    }
}

async fn pass(mut client: TcpStream, port: u16, line: Arc<Line>) {
    let (cut, silence) = (line.cut.lock().expect("a token").clone(), line.silence.lock().expect("a token").clone());
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        () = cut.cancelled() => {}
        () = silence.cancelled() => cut.cancelled().await,
    }
}
