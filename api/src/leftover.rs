//! What a handler left unread of a request's body.
//!
//! A request that is refused by its head (no key, over its rate, the wrong type) is answered while its body is still on
//! the way, as many clients send it after the head. hyper then closes the connection behind the answer, without a word:
//! the client's next request on it fails, or it never gets to read the answer. So what is left of a body is read first, as far as
//! that is little; where it is not, the answer says that the connection ends.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::timeout;

/// The most that is read for nothing.
const MOST: usize = 256 * 1024;

/// How long that may take.
const SHORT: Duration = Duration::from_secs(1);

/// A request's body that can be read on after its handler has dropped it.
#[derive(Clone)]
pub(crate) struct Leftover(Arc<Inner>);

struct Inner {
    body: Mutex<Incoming>,
    begun: AtomicBool,
}

impl Leftover {
    pub(crate) fn new(body: Incoming) -> Self {
        Self(Arc::new(Inner { body: Mutex::new(body), begun: AtomicBool::new(false) }))
    }

    /// Reads the rest. False where there is too much of it, or it does not come; where `asked` says that the client
    /// waits for a sign before it sends it (`Expect`), it gets none.
    pub(crate) async fn drained(self, asked: bool) -> bool {
        if self.is_end_stream() {
            return true;
        }
        let too_much = self.size_hint().lower() > MOST as u64;
        if too_much || (asked && !self.0.begun.load(Ordering::Relaxed)) {
            return false;
        }
        let rest = async {
            let mut room = MOST;
            loop {
                match poll_fn(|context| self.poll(context)).await {
                    None => return true,
                    Some(Err(_)) => return false,
                    Some(Ok(frame)) => match room.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                        Some(left) => room = left,
                        None => return false,
                    },
                }
            }
        };
        timeout(SHORT, rest).await.unwrap_or(false)
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        Pin::new(&mut *self.locked()).poll_frame(context)
    }

    fn locked(&self) -> MutexGuard<'_, Incoming> {
        self.0.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for Leftover {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.begun.store(true, Ordering::Relaxed);
        self.poll(context).map_err(io::Error::other)
    }

    fn is_end_stream(&self) -> bool {
        self.locked().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.locked().size_hint()
    }
}
