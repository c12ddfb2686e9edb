//! The test kit: what its users are promised, and that it does as the engine does.

mod crash;
mod limits;
mod real;
mod same;
mod steps;

use std::time::Duration;

use async_trait::async_trait;
use patchbay_queue::testkit::{State, TestQueue};
use patchbay_queue::*;
use uuid::Uuid;

use crate::world::{Act, QUEUE, Work};

/// Does as the job says, and fails the first time of `Fail`.
struct Flaky;

#[async_trait]
impl Handler<Work> for Flaky {
    async fn run(&self, job: Work, ctx: &JobContext) -> Result<Outcome, JobError> {
        match job.act {
            Act::Fail if ctx.attempt() == 1 => Err(JobError::retryable("failed", "as told")),
            Act::SnoozeOnce => {
                Ok(Outcome::Snooze { until: ctx.now() + chrono::TimeDelta::hours(9), reason: "night".into() })
            }
            Act::Panic => panic!("as told"),
            _ => Ok(Outcome::Done(None)),
        }
    }
}

fn flaky() -> Registry {
    Registry::default().with::<Work, _>(Flaky)
}

#[tokio::test]
async fn a_retry_comes_when_the_clock_is_moved() {
    let queue = TestQueue::new();
    let id = queue.enqueue(queue.request(Work { act: Act::Fail }));
    assert_eq!(queue.drain(&flaky()).await.retried, 1);
    assert_eq!((queue.job(id).state, queue.job(id).last_error()), (State::Scheduled, Some("failed")));
    queue.skip(Duration::from_secs(1));
    assert_eq!(queue.drain(&flaky()).await.succeeded, 1);
    assert_eq!((queue.job(id).state, queue.job(id).errors), (State::Succeeded, 1));
}

#[tokio::test]
async fn a_panic_is_a_crash_and_the_third_is_the_last() {
    let queue = TestQueue::new();
    let id = queue.enqueue(queue.request(Work { act: Act::Panic }));
    for _ in 0..3 {
        queue.drain(&flaky()).await;
        queue.skip(Duration::from_secs(60));
    }
    assert_eq!((queue.job(id).state, queue.job(id).crashes, queue.job(id).errors), (State::Dead, 3, 0));
}

#[tokio::test]
async fn what_is_put_off_waits_for_its_hour() {
    let queue = TestQueue::new();
    let id = queue.enqueue(queue.request(Work { act: Act::SnoozeOnce }));
    assert_eq!(queue.drain(&flaky()).await.snoozed, 1);
    queue.skip(Duration::from_secs(8 * 3600));
    assert_eq!(queue.drain(&flaky()).await, testkit::Drained::default());
    assert_eq!(queue.job(id).held_reason.as_deref(), Some("night"));
}

#[tokio::test]
async fn what_is_put_off_and_pushed_back_waits_for_that_time_and_for_nothing_else() {
    let queue = TestQueue::new();
    let snoozes = || queue.request(Work { act: Act::SnoozeOnce }).unique("key").on_conflict(Conflict::PushBack);
    let id = queue.enqueue(snoozes());
    assert_eq!(queue.drain(&flaky()).await.snoozed, 1);
    queue.enqueue(snoozes().run_at(Some(queue.now() + chrono::TimeDelta::hours(20))));
    assert_eq!((queue.job(id).state, queue.job(id).held_reason), (State::Scheduled, None));
    assert!(queue.hold(id, "a doubt"));
    queue.enqueue(snoozes().run_at(Some(queue.now() + chrono::TimeDelta::hours(30))));
    assert_eq!((queue.job(id).state, queue.job(id).held_reason.as_deref()), (State::Held, Some("a doubt")));
}

#[tokio::test]
async fn a_rate_lets_so_many_go_and_the_rest_later() {
    let queue = TestQueue::new();
    let tenant = Uuid::now_v7();
    let lane = LaneName { tenant, lane: "acc".into() };
    queue.set_rate(QUEUE, lanes::RateLimit { lane, rate_per_second: 1.0, burst: 3 });
    for _ in 0..10 {
        queue.enqueue(JobRequest::new(queue.id(), tenant, Work { act: Act::Succeed }).lane("acc~sender"));
    }
    assert_eq!(queue.drain(&flaky()).await.succeeded, 3);
    queue.skip(Duration::from_secs(2));
    assert_eq!(queue.drain(&flaky()).await.succeeded, 2);
}

#[tokio::test]
async fn tenants_take_turns_however_much_one_has() {
    let queue = TestQueue::new();
    let (greedy, modest) = (Uuid::now_v7(), Uuid::now_v7());
    for _ in 0..50 {
        queue.enqueue(JobRequest::new(queue.id(), greedy, Work { act: Act::Succeed }));
    }
    let id = queue.enqueue(JobRequest::new(queue.id(), modest, Work { act: Act::Succeed }));
    queue.set_rate(
        QUEUE,
        lanes::RateLimit {
            lane: LaneName { tenant: SYSTEM_TENANT, lane: String::new() },
            rate_per_second: 1.0,
            burst: 2,
        },
    );
    assert_eq!(queue.drain(&flaky()).await.succeeded, 2);
    assert_eq!(queue.job(id).state, State::Succeeded, "the second run of all is the modest tenant's");
}

#[tokio::test]
async fn a_kind_that_is_paused_is_held_and_goes_on_when_it_is_resumed() {
    let queue = TestQueue::new();
    let id = queue.enqueue(queue.request(Work { act: Act::Succeed }));
    let kind = lanes::PauseScope::Kind(Work::KIND.into());
    queue.pause(QUEUE, kind.clone(), None);
    assert_eq!(queue.drain(&flaky()).await.held, 1);
    assert_eq!(queue.job(id).held_by.as_deref(), Some("kind_pause"));
    queue.resume(QUEUE, &kind);
    assert_eq!(queue.drain(&flaky()).await.succeeded, 1);
}

/// Once done, it enqueues a job that fails.
struct Following<E>(E, Uuid);

#[async_trait]
impl<E: Enqueue> Handler<Work> for Following<E> {
    async fn run(&self, _: Work, ctx: &JobContext) -> Result<Outcome, JobError> {
        let next = JobRequest::new(self.1, ctx.tenant(), Work { act: Act::Fail });
        let enqueued = self.0.enqueue(next.into()).await;
        enqueued.map_err(|error| JobError::permanent("enqueue", error.to_string()))?;
        Ok(Outcome::Done(None))
    }
}

#[tokio::test]
async fn what_a_handler_enqueues_is_seen_and_an_id_that_is_taken_is_refused() {
    let queue = TestQueue::new();
    let next = queue.id();
    let registry = Registry::default().with::<Work, _>(Following(queue.clone(), next));
    let first = queue.enqueue(queue.request(Work { act: Act::Succeed }));
    assert_eq!(queue.run_one(&registry, first).await.state, State::Succeeded);
    assert_eq!(queue.assert_enqueued::<Work>(|job| job.payload.act == Act::Fail).id, next);
    let again = queue.enqueue(queue.request(Work { act: Act::Succeed }));
    let refused = queue.run_one(&registry, again).await;
    assert_eq!((refused.state, refused.last_error()), (State::Dead, Some("enqueue")));
}
