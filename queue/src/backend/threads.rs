//! Which thread a handler runs on.
//!
//! All share the few threads of their runtime, which is fast, and right for whatever yields. A handler that does not holds
//! its thread, and as many of them as there are threads hold the whole process with all that it has in hand. So a job gets
//! a thread to itself where that is likely: one that was in a crash before, whatever it was, and for a while
//! ([`REMEMBERED`]) every job of a kind of which a run was seen to hold its thread ([`HOLDS`]). Those that began before it was
//! seen are on shared ones. The others are tokio's for what blocks, of which there are 512: jobs take no more than [`OWN`] of
//! them, or whoever looks up a name would wait for a job, and a job that waits for its thread would seem to run. Rejected: a
//! thread for every run, which costs as much as a short job itself.
//! Who is suspected wrongly (the machine stood still) loses nothing but that.
//! How to break it: forget a kind whose jobs hold threads that are their own.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::{AbortHandle, Aborted, abortable};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// A run that goes on for so long without yielding holds its thread.
pub(super) const HOLDS: Duration = Duration::from_secs(1);
/// How long after it was seen last a kind is remembered.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Jobs with a thread of their own at a time; further ones share, as others do.
const OWN: usize = 256;
static OWN_THREADS: Semaphore = Semaphore::const_new(OWN);

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Since when a run has not yielded, in milliseconds and one since [`EPOCH`]; zero while it waits.
#[derive(Debug, Clone, Default)]
pub(super) struct Polling(Arc<AtomicU64>);

impl Polling {
    /// The same run, watched.
    pub(super) async fn watch<T>(self, run: impl Future<Output = T>) -> T {
        let mut run = pin!(run);
        std::future::poll_fn(|cx| {
            self.0.store(now_ms() + 1, Ordering::Relaxed);
            let _yielded = Yielded(&self.0);
            run.as_mut().poll(cx)
        })
        .await
    }

    pub(super) fn lasts(&self) -> Duration {
        let since = self.0.load(Ordering::Relaxed);
        if since == 0 { Duration::ZERO } else { Duration::from_millis((now_ms() + 1).saturating_sub(since)) }
    }
}

/// It waits again, or has ended, be it in a panic.
struct Yielded<'a>(&'a AtomicU64);

impl Drop for Yielded<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

fn now_ms() -> u64 {
    u64::try_from(EPOCH.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
}

/// The kinds of which a run was seen to hold its thread, and when last.
#[derive(Debug, Default)]
pub(super) struct Holders(Mutex<HashMap<String, Instant>>);

impl Holders {
    /// A run of `kind` was seen to; whether that is news.
    pub(super) fn seen(&self, kind: String) -> bool {
        let before = self.kinds().insert(kind, Instant::now());
        before.is_none_or(|before| before.elapsed() > REMEMBERED)
    }

    pub(super) fn remembers(&self, kind: &str) -> bool {
        self.kinds().get(kind).is_some_and(|seen| seen.elapsed() <= REMEMBERED)
    }

    fn kinds(&self) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().expect("no holder of this lock can panic")
    }
}

/// Begins a run in its own task (runs spread over the cores, a panic ends only this one), on a thread of its own or not.
/// Aborted, it ends when it yields next.
pub(super) fn spawn<F>(run: F, its_own: bool) -> (JoinHandle<Result<F::Output, Aborted>>, AbortHandle)
where
    F: Future<Output: Send> + Send + 'static,
{
    let (run, abort) = abortable(run);
    let runtime = Handle::current();
    let thread = if its_own { OWN_THREADS.try_acquire().ok() } else { None };
    let task = match thread {
        Some(thread) => tokio::task::spawn_blocking(move || {
            let _until_its_end = thread;
            runtime.block_on(run)
        }),
        None => runtime.spawn(run),
    };
    (task, abort)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_run_that_waits_does_not_hold_its_thread_and_one_that_works_does() {
        let polling = Polling::default();
        let seen = polling.clone();
        let run = polling.clone().watch(async move {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(30) {}
            let worked = seen.lasts();
            tokio::time::sleep(Duration::from_millis(30)).await;
            (worked, seen.lasts())
        });
        let (run, ()) = tokio::join!(run, async { assert_eq!(polling.lasts(), Duration::ZERO, "it waits") });
        assert!(run.0 >= Duration::from_millis(29) && run.1 < Duration::from_millis(29), "{run:?}");
        assert_eq!(polling.lasts(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_run_has_a_thread_of_its_own_while_there_are_any_and_shares_one_otherwise() {
        let place = || async { std::thread::current().id() };
        let here = std::thread::current().id();
        assert_ne!(spawn(place(), true).0.await.unwrap().unwrap(), here);
        let _all = OWN_THREADS.acquire_many(u32::try_from(OWN).unwrap()).await.unwrap();
        assert_eq!(spawn(place(), true).0.await.unwrap().unwrap(), here);
    }

    #[test]
    fn a_kind_is_news_once_and_forgotten_after_a_while() {
        let holders = Holders::default();
        assert!(!holders.remembers("a"));
        assert!(holders.seen("a".to_owned()) && !holders.seen("a".to_owned()));
        assert!(holders.remembers("a") && !holders.remembers("b"));
        let long_ago = Instant::now().checked_sub(REMEMBERED + HOLDS).unwrap();
        holders.kinds().insert("a".to_owned(), long_ago);
        assert!(!holders.remembers("a") && holders.seen("a".to_owned()));
    }
}
