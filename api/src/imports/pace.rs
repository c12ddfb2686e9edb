//! How slowly an upload may come.
//!
//! An upload has no time limit of its own, since a large file over a thin line takes what it takes; but whoever sends a
//! byte now and then, or nothing more, would hold a connection and an import in `uploading` for as long as they like.
//! So each pause is bounded, and on the whole the body must keep up with the slowest line that is worth waiting for.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::try_unfold};
use tokio::time::{Instant, timeout_at};

/// The least that an upload must do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The longest pause.
    pause: Duration,
    /// What a slow beginning is forgiven.
    grace: Duration,
    /// Bytes a second on the average, once the grace is over.
    slowest: u64,
}

/// The pace of uploads: a quarter of what a poor mobile line carries.
pub(super) const PACE: Pace = Pace { pause: Duration::from_secs(30), grace: Duration::from_secs(60), slowest: 1024 };

impl Pace {
    /// When the next piece must be there, `elapsed` after the beginning and with `received` bytes so far; from now.
    fn patience(&self, elapsed: Duration, received: u64) -> Duration {
        let due = self.grace + Duration::from_secs(received / self.slowest);
        due.saturating_sub(elapsed).min(self.pause)
    }

    /// The same body; an error of the kind `TimedOut` where it comes too slowly.
    pub(super) fn keep<S>(self, body: S) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let began = Instant::now();
        try_unfold((Box::pin(body), 0_u64), move |(mut body, received)| async move {
            let next = timeout_at(Instant::now() + self.patience(began.elapsed(), received), body.next()).await;
            let next = next.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the upload came too slowly"))?;
            Ok(next.transpose()?.map(|bytes| {
                let received = received + bytes.len() as u64;
                (bytes, (body, received))
            }))
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_thin_line_may_take_hours() {
        assert_eq!(PACE.patience(seconds(7_200), 7_200 * 1024), seconds(30));
    }

    #[test]
    fn a_byte_now_and_then_is_not_enough_for_long() {
        assert_eq!(PACE.patience(seconds(29), 29), seconds(30));
        assert_eq!(PACE.patience(seconds(50), 50), seconds(10));
        assert_eq!(PACE.patience(seconds(61), 61), seconds(0));
    }

    #[tokio::test]
    async fn a_pause_ends_an_upload_and_what_came_before_it_came_through() {
        let pace = Pace { pause: Duration::from_millis(20), ..PACE };
        let body = stream::iter([Ok(Bytes::from_static(b"name"))]).chain(stream::pending());
        let taken: Vec<_> = pace.keep(body).map(|piece| piece.map_err(|error| error.kind())).collect().await;
        assert_eq!(taken, [Ok(Bytes::from_static(b"name")), Err(io::ErrorKind::TimedOut)]);
    }

    #[tokio::test]
    async fn a_body_that_keeps_up_comes_through() {
        let body = stream::iter([Ok(Bytes::from_static(b"a")), Ok(Bytes::from_static(b"b"))]);
        assert_eq!(PACE.keep(body).count().await, 2);
    }
}
