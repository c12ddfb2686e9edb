//! Workers that vanish in the middle of a job, in memory.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use patchbay_queue::testkit::{Drained, LEASE};
use tokio::sync::Notify;

use super::*;
use crate::bare::{key, most};

/// Calls somebody, waits for the answer, and notes it; and how often it came so far.
#[derive(Clone, Default)]
struct Caller {
    called: Arc<AtomicUsize>,
    noted: Arc<AtomicUsize>,
    calling: Arc<Notify>,
    answers: Arc<Notify>,
}

#[async_trait]
impl Handler<Work> for Caller {
    async fn run(&self, _: Work, ctx: &JobContext) -> Result<Outcome, JobError> {
        self.called.fetch_add(1, Ordering::SeqCst);
        self.calling.notify_one();
        self.answers.notified().await;
        self.noted.fetch_add(1, Ordering::SeqCst);
        Ok(Outcome::Done(Some(serde_json::json!({ "attempt": ctx.attempt(), "fence": ctx.fence() }))))
    }
}

impl Caller {
    fn registry(&self) -> Registry {
        Registry::default().with::<Work, _>(self.clone())
    }

    fn counts(&self) -> (usize, usize) {
        (self.called.load(Ordering::SeqCst), self.noted.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn a_job_runs_again_a_lease_after_its_worker_vanished_in_its_middle() {
    let (queue, caller) = (TestQueue::new(), Caller::default());
    let id = queue.enqueue(queue.request(Work { act: Act::Succeed }));
    queue.crash(&caller.registry(), id, caller.calling.notified()).await;
    assert_eq!(caller.counts(), (1, 0), "dropped in the middle of the call");
    caller.answers.notify_one();
    queue.skip(LEASE - Duration::from_millis(1));
    assert_eq!(queue.drain(&caller.registry()).await, Drained::default(), "nobody knows yet");
    assert_eq!((queue.job(id).state, queue.job(id).crashes), (State::Waiting, 0));
    queue.skip(Duration::from_millis(1));
    assert_eq!((queue.job(id).crashes, queue.job(id).last_error()), (1, Some("worker_lost")));
    assert_eq!(queue.drain(&caller.registry()).await.succeeded, 1);
    assert_eq!(queue.job(id).result, Some(serde_json::json!({ "attempt": 2, "fence": 2 })));
}

#[tokio::test]
async fn a_worker_may_vanish_before_it_begins_and_after_it_has_ended() {
    let (queue, caller) = (TestQueue::new(), Caller::default());
    let id = queue.enqueue(queue.request(Work { act: Act::Succeed }));
    queue.crash(&caller.registry(), id, ready(())).await;
    assert_eq!(caller.counts(), (0, 0));
    queue.skip(LEASE);
    caller.answers.notify_one();
    queue.crash(&caller.registry(), id, pending()).await;
    assert_eq!((caller.counts(), queue.job(id).state), ((1, 1), State::Waiting));
    queue.skip(LEASE);
    assert_eq!((queue.job(id).crashes, queue.job(id).result), (2, None));
}

#[tokio::test]
async fn the_third_crash_is_the_last() {
    let (queue, caller) = (TestQueue::new(), Caller::default());
    let id = queue.enqueue(queue.request(Work { act: Act::Succeed }));
    for crashes in 1..=3 {
        queue.crash(&caller.registry(), id, ready(())).await;
        queue.skip(LEASE);
        assert_eq!(queue.job(id).crashes, crashes);
    }
    assert_eq!((queue.job(id).state, queue.job(id).errors), (State::Dead, 0));
    assert!(queue.redrive(id));
    assert_eq!((queue.job(id).state, queue.job(id).crashes), (State::Waiting, 0));
}

#[tokio::test]
async fn a_lost_job_keeps_its_place_under_a_limit_until_its_lease_is_over() {
    let (queue, caller) = (TestQueue::new(), Caller::default());
    let id = queue.enqueue(queue.request(Work { act: Act::Succeed }));
    queue.set_limit(QUEUE, most(key(queue.job(id).new.tenant_id, ""), 1));
    queue.enqueue(queue.request(Work { act: Act::Succeed }));
    queue.crash(&caller.registry(), id, ready(())).await;
    assert_eq!(queue.drain(&flaky()).await, Drained::default());
    queue.skip(LEASE);
    assert_eq!(queue.drain(&flaky()).await.succeeded, 2);
}

#[tokio::test]
async fn a_drain_that_is_dropped_loses_all_that_it_runs() {
    let (queue, caller) = (TestQueue::new(), Caller::default());
    let ids = [(); 3].map(|()| queue.enqueue(queue.request(Work { act: Act::Succeed })));
    assert_eq!(queue.drain_with(&caller.registry(), 2).now_or_never(), None);
    assert!(queue.cancel(ids[0]), "it is asked to stop, if somebody still runs it");
    queue.skip(LEASE);
    assert_eq!(ids.map(|id| queue.job(id).crashes), [1, 1, 0]);
    assert_eq!(queue.drain(&flaky()).await.succeeded, 3, "a handler that does not ask whether it should stop");
}

#[tokio::test]
async fn a_job_that_is_held_while_it_runs_is_over_or_stays_held() {
    let (queue, caller) = (TestQueue::new(), Caller::default());
    let ids = [(); 2].map(|()| queue.enqueue(queue.request(Work { act: Act::Succeed })));
    queue.crash(&caller.registry(), ids[0], ready(())).await;
    assert!(queue.hold(ids[0], "wait"));
    queue.skip(LEASE);
    assert_eq!((queue.job(ids[0]).state, queue.job(ids[0]).crashes), (State::Held, 1));
    let registry = caller.registry();
    let held_meanwhile = async {
        caller.calling.notified().await;
        queue.hold(ids[1], "wait");
        caller.answers.notify_one();
    };
    tokio::join!(queue.drain(&registry), held_meanwhile);
    assert_eq!((queue.job(ids[1]).state, queue.job(ids[1]).held_by), (State::Succeeded, None));
}
