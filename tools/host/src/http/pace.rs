//! How long a client may take: for a request's head, between requests, and to read an answer.
//!
//! One clock a thread ticks for all of its connections; a connection stores the tick at which it is late. A timer for
//! each request would cost more than most of what the host does for it.
//!
//! **Invariant:** a connection waits for its client only under a deadline that nothing the client sends can move, other
//! than finishing what it began. A body's deadline is its reader's: see `service.rs`.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, Semaphore};

use crate::options::Connections;

/// A deadline is kept to within two of these.
const TICK: Duration = Duration::from_millis(100);
/// No deadline.
const NEVER: u64 = u64::MAX;

/// The clock of one thread's connections.
pub(super) struct Clock {
    now: AtomicU64,
    limits: Connections,
    watched: Mutex<Vec<Weak<Pace>>>,
}

/// One connection's deadlines.
pub(super) struct Pace {
    clock: Arc<Clock>,
    /// By when the client has to have sent a whole head, or the first byte of one where it is idle.
    read_by: AtomicU64,
    /// Whether the client owes nothing: all it asked for is answered.
    is_idle: AtomicBool,
    /// By when the client has to have read something of what is ready for it.
    write_by: AtomicU64,
    late: Notify,
}

impl Clock {
    pub(super) fn new(limits: Connections) -> Arc<Self> {
        Arc::new(Self { now: AtomicU64::new(0), limits, watched: Mutex::default() })
    }

    /// A new connection, which owes its first head.
    pub(super) fn watch(self: &Arc<Self>) -> Arc<Pace> {
        let pace = Arc::new(Pace {
            read_by: AtomicU64::new(self.after(self.limits.header_timeout)),
            is_idle: AtomicBool::new(false),
            write_by: AtomicU64::new(NEVER),
            late: Notify::new(),
            clock: Arc::clone(self),
        });
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&pace));
        pace
    }

    /// Ticks for ever. Where `places` has none left, connections that are idle end at once: somebody waits for theirs.
    pub(super) async fn run(self: Arc<Self>, places: Arc<Semaphore>) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
            let is_crowded = places.available_permits() == 0;
            self.watched.lock().unwrap_or_else(PoisonError::into_inner).retain(|pace| {
                let Some(pace) = pace.upgrade() else { return false };
                if pace.is_late(now) || is_crowded && pace.is_idle.load(Ordering::Relaxed) {
                    pace.late.notify_one();
                }
                true
            });
        }
    }

    fn after(&self, limit: Duration) -> u64 {
        let ticks = u64::try_from(limit.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(NEVER);
        // One more: the tick that comes next may come at once.
        self.now.load(Ordering::Relaxed).saturating_add(ticks).saturating_add(1)
    }
}

impl Pace {
    fn is_late(&self, now: u64) -> bool {
        now >= self.read_by.load(Ordering::Relaxed) || now >= self.write_by.load(Ordering::Relaxed)
    }

    /// Returns when a deadline has passed.
    pub(super) async fn late(&self) {
        self.late.notified().await;
    }

    /// A whole head is there: what happens now is not the client's to do.
    pub(super) fn asked(&self) {
        self.is_idle.store(false, Ordering::Relaxed);
        self.read_by.store(NEVER, Ordering::Relaxed);
    }

    /// The last byte of an answer was handed over.
    fn answered(&self) {
        self.read_by.store(self.clock.after(self.clock.limits.idle_timeout), Ordering::Relaxed);
        self.is_idle.store(true, Ordering::Relaxed);
    }

    fn received(&self) {
        if self.is_idle.swap(false, Ordering::Relaxed) {
            self.read_by.store(self.clock.after(self.clock.limits.header_timeout), Ordering::Relaxed);
        }
    }

    fn wrote(&self, is_stuck: bool) {
        if !is_stuck {
            self.write_by.store(NEVER, Ordering::Relaxed);
        } else if self.write_by.load(Ordering::Relaxed) == NEVER {
            self.write_by.store(self.clock.after(self.clock.limits.write_timeout), Ordering::Relaxed);
        }
    }
}

/// A stream that notes what its client does.
pub(super) struct Paced<S> {
    pub(super) stream: S,
    pub(super) pace: Arc<Pace>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pace.received();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.pace.wrote(written.is_pending());
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.pace.wrote(written.is_pending());
        written
    }
}

/// The body of an answer. Its end is when the client becomes idle.
pub(super) struct Answered<B> {
    pub(super) body: B,
    pub(super) pace: Arc<Pace>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answered<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Answered<B> {
    fn drop(&mut self) {
        self.pace.answered();
    }
}
