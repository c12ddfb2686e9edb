//! How a process ends: the first SIGTERM or SIGINT starts draining, the second ends it at once.
//!
//! Draining means: take nothing new, finish what runs, and be done within the grace. Orchestrators send SIGTERM once
//! and kill after a time of their own, so the grace must be the shorter; a person pressing Ctrl-C twice means it.
//! It is broken by work that watches neither token: [`Shutdown::finish`] bounds such work.

use std::{future::Future, io, time::Duration};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The two stages of ending, shared by everything that runs. Clones are the same shutdown.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    draining: CancellationToken,
    ended: CancellationToken,
}

/// How work ended that [`Shutdown::finish`] watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish<T> {
    /// By itself, with its result.
    Done(T),
    /// The grace was over, or there was a second signal: it was dropped where it stood.
    Cut,
}

impl Shutdown {
    /// A shutdown that only [`Shutdown::drain`] and [`Shutdown::end`] set off: for tests and for parts of a process.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A shutdown that follows the process's signals. Call it inside a Tokio runtime, before anything else is started:
    /// from here on a signal does not kill.
    ///
    /// # Errors
    /// The operating system refused a signal handler.
    pub fn on_signals(grace: Duration) -> io::Result<Self> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let shutdown = Self::new();
        let watched = shutdown.clone();
        tokio::spawn(async move {
            let mut next =
                async || tokio::select! { _ = terminate.recv() => "SIGTERM", _ = interrupt.recv() => "SIGINT" };
            let first = next().await;
            tracing::info!(signal = first, grace_seconds = grace.as_secs_f64(), "draining");
            watched.drain();
            match tokio::time::timeout(grace, next()).await {
                Ok(second) => tracing::warn!(signal = second, "second signal: ending at once"),
                Err(_) => tracing::warn!("the grace is over: ending"),
            }
            watched.end();
        });
        Ok(shutdown)
    }

    /// Starts draining, and orders the end once `grace` is over: as a first signal does.
    pub fn drain_within(&self, grace: Duration) {
        self.drain();
        let shutdown = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(grace).await;
            shutdown.end();
        });
    }

    /// Starts draining.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Ends everything at once, draining or not.
    pub fn end(&self) {
        self.draining.cancel();
        self.ended.cancel();
    }

    /// Whether nothing new may be taken.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Waits until draining starts.
    pub async fn draining(&self) {
        self.draining.cancelled().await;
    }

    /// Waits until everything must end at once.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// The token that is cancelled when draining starts, for code that takes a token.
    #[must_use]
    pub fn draining_token(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// Runs `work`, which ends itself when draining starts, until it is done or everything must end.
    pub async fn finish<F: Future>(&self, work: F) -> Finish<F::Output> {
        tokio::select! {
            biased;
            result = work => Finish::Done(result),
            () = self.ended() => Finish::Cut,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn draining_lets_work_finish() {
        let shutdown = Shutdown::new();
        shutdown.drain();
        let work = async {
            shutdown.draining().await;
            7
        };
        assert_eq!(shutdown.finish(work).await, Finish::Done(7));
    }

    #[tokio::test]
    async fn the_end_cuts_work_that_does_not_finish() {
        let shutdown = Shutdown::new();
        shutdown.clone().end();
        assert!(shutdown.is_draining());
        assert_eq!(shutdown.finish(pending::<()>()).await, Finish::Cut);
    }
}
