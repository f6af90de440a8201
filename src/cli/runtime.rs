//! The threads that everything runs on.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime, RuntimeMetrics};

/// What a thread may take: input shapes how deep the parsers of queries and JSON call themselves, within bounds that fit.
const STACK: usize = 8 << 20;
/// How long what has come in may wait for a worker that looks.
const LOOK: Duration = Duration::from_millis(10);
/// A worker looks for what has come in once in so many polls; tokio's own 61 may be a fifth of a second where each takes as
/// long as it may.
const POLLS: u32 = 4;
/// A thread for long work ends when it has had none for so long. The allocator keeps pages of every size for each thread; those
/// of one that has ended serve others.
const IDLE: Duration = Duration::from_millis(200);

/// The runtime, and what keeps an eye on it until it's dropped.
pub(super) fn build() -> std::io::Result<(Runtime, Lookout)> {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK)
        .thread_keep_alive(IDLE)
        .event_interval(POLLS)
        .build()?;
    let lookout = Lookout::new(runtime.handle().clone())?;
    Ok((runtime, lookout))
}

/// Wakes a worker now and then. tokio looks for what has come in, and for the time, on a worker that has nothing else to do; that
/// one runs what it has found before anybody looks again, though others sleep, for they are told of tasks alone. So while it is at
/// something long, `/healthz` waited 230 ms beside an idle processor. A worker that is woken and finds nothing looks next. tokio's
/// own `enable_eager_driver_handoff` does the same, and is unstable.
pub(super) struct Lookout {
    _ended: Sender<()>,
}

impl Lookout {
    fn new(runtime: Handle) -> std::io::Result<Self> {
        let (ended, end) = channel();
        std::thread::Builder::new().name("lookout".to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = end.recv_timeout(LOOK) {
                if is_anyone_asleep_beside_others(&runtime.metrics()) {
                    runtime.spawn(async {});
                }
            }
        })?;
        Ok(Self { _ended: ended })
    }
}

/// Whether there is a worker to wake, and a reason to: nobody need look for one that sleeps until something comes in.
fn is_anyone_asleep_beside_others(workers: &RuntimeMetrics) -> bool {
    // Going to sleep counts, and so does waking up.
    let asleep = (0..workers.num_workers()).filter(|&worker| workers.worker_park_unpark_count(worker) % 2 == 1).count();
    (1..workers.num_workers()).contains(&asleep)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpStream;

    use tokio::net::TcpListener;

    use super::*;

    /// One task keeps its worker until the other has read, which it can only if somebody looks meanwhile.
    #[test]
    fn what_comes_in_is_seen_while_a_worker_is_kept() {
        const LONG: Duration = Duration::from_secs(30);
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let _lookout = Lookout::new(runtime.handle().clone()).expect("a lookout");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut ours = [(); 2].map(|()| TcpStream::connect(address).expect("a connection"));
        let [first, second] = [(); 2].map(|()| runtime.block_on(listener.accept()).expect("a connection").0);
        let (kept, begun) = channel();
        let (read, seen) = channel();
        let keeps = runtime.spawn(async move {
            first.readable().await.expect("bytes");
            kept.send(()).expect("the test");
            seen.recv_timeout(LONG)
        });
        runtime.spawn(async move {
            second.readable().await.expect("bytes");
            // It may be too late.
            let _ = read.send(());
        });
        ours[0].write_all(b"a").expect("written");
        begun.recv_timeout(LONG).expect("the first has begun");
        ours[1].write_all(b"b").expect("written");
        assert_eq!(runtime.block_on(keeps).expect("an end"), Ok(()));
    }
}
