//! Every limit that the engine knows, in memory: the same keys, the same words of a handler, and a clock that is moved.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{TimeDelta, Utc, Weekday};
use futures_util::FutureExt as _;
use patchbay_queue::lanes::{BreakerRule, EVERY_QUEUE, Hours, Limit, Opening, Rate};
use tokio::sync::Barrier;

use super::*;
use crate::bare::{key, most, rate, shared};

const HOUR: Duration = Duration::from_secs(3_600);

fn enqueue(queue: &TestQueue, tenant: Uuid, lane: &str, jobs: usize) -> Vec<Uuid> {
    let job = || JobRequest::new(queue.id(), tenant, Work { act: Act::Succeed }).lane(lane);
    (0..jobs).map(|_| queue.enqueue(job())).collect()
}

fn business_hours() -> Hours {
    let at = |hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let days = vec![Weekday::Mon, Weekday::Tue];
    Hours { zone: "America/Chicago".parse().unwrap(), openings: vec![Opening { days, opens: at(9), closes: at(17) }] }
}

#[tokio::test]
async fn nothing_starts_outside_of_its_hours() {
    // A Monday, 09:00 UTC: 04:00 in Chicago.
    let (queue, tenant) = (TestQueue::new(), Uuid::now_v7());
    queue.set_limit(EVERY_QUEUE, Limit { hours: Some(business_hours()), ..Limit::new(shared("pa")) });
    enqueue(&queue, tenant, "pa~1", 1);
    enqueue(&queue, tenant, "px", 1);
    assert_eq!(queue.drain(&flaky()).await.succeeded, 1, "the other lane's");
    queue.skip(4 * HOUR + Duration::from_secs(3_599));
    assert_eq!(queue.drain(&flaky()).await.succeeded, 0, "a second before nine");
    queue.skip(Duration::from_secs(1));
    assert_eq!(queue.drain(&flaky()).await.succeeded, 1);
    queue.skip(8 * HOUR);
    enqueue(&queue, tenant, "pa~1", 1);
    assert_eq!(queue.drain(&flaky()).await.succeeded, 0, "at five");
    queue.set_limit(
        QUEUE,
        Limit { hours: Some(Hours { zone: chrono_tz::Tz::UTC, ..business_hours() }), ..Limit::new(shared("pa")) },
    );
    queue.skip(11 * HOUR);
    assert_eq!(queue.drain(&flaky()).await.succeeded, 1, "nine in the queue's own zone");
}

/// Tells the breakers of `pa` what the test says of it, and what it heard.
#[derive(Clone, Default)]
struct Teller {
    up: std::sync::Arc<AtomicUsize>,
    heard: std::sync::Arc<Mutex<Vec<Option<TimeDelta>>>>,
}

#[async_trait]
impl Handler<Work> for Teller {
    async fn run(&self, _: Work, ctx: &JobContext) -> Result<Outcome, JobError> {
        if self.up.load(Ordering::SeqCst) > 0 {
            ctx.succeeded("pa").await;
            return Ok(Outcome::Done(None));
        }
        let until = ctx.failed("pa").await;
        self.heard.lock().unwrap().push(until.map(|until| until - ctx.now()));
        Err(JobError::permanent("down", "as told"))
    }
}

impl Teller {
    fn registry(&self) -> Registry {
        Registry::default().with::<Work, _>(self.clone())
    }

    fn goes_up(&self) {
        self.up.store(1, Ordering::SeqCst);
    }
}

fn broken(queue: &TestQueue, lane: LaneName) {
    let rule = BreakerRule { failures: 3, within: HOUR, open_for: Duration::from_secs(30) };
    queue.set_limit(QUEUE, Limit { breaker: Some(rule), ..Limit::new(lane) });
}

#[tokio::test]
async fn a_breaker_opens_lets_one_try_and_closes() {
    let (queue, teller) = (TestQueue::new(), Teller::default());
    broken(&queue, shared("pa"));
    enqueue(&queue, Uuid::now_v7(), "pa~1", 10);
    enqueue(&queue, Uuid::now_v7(), "pa~2", 10);
    let second = TimeDelta::seconds(1);
    assert_eq!(queue.drain(&teller.registry()).await.dead, 3);
    assert_eq!(*teller.heard.lock().unwrap(), [None, None, Some(second * 30)]);
    queue.skip(Duration::from_secs(29));
    assert_eq!(queue.drain(&teller.registry()).await, testkit::Drained::default());
    queue.skip(Duration::from_secs(1));
    assert_eq!(queue.drain(&teller.registry()).await.dead, 1, "one tries");
    assert_eq!(teller.heard.lock().unwrap().last(), Some(&Some(second * 60)), "twice as long");
    teller.goes_up();
    queue.skip(Duration::from_secs(60));
    assert_eq!(queue.drain(&teller.registry()).await.succeeded, 16, "closed");
}

#[tokio::test]
async fn failures_that_are_not_in_a_row_or_far_apart_open_nothing() {
    let (queue, teller, tenant) = (TestQueue::new(), Teller::default(), Uuid::now_v7());
    broken(&queue, key(tenant, "pa"));
    let up = Teller::default();
    up.goes_up();
    for registry in [&teller, &teller, &up, &teller, &teller] {
        enqueue(&queue, tenant, "pa", 1);
        queue.drain(&registry.registry()).await;
    }
    queue.skip(HOUR);
    enqueue(&queue, tenant, "pa", 2);
    assert_eq!(queue.drain(&teller.registry()).await.dead, 2);
    assert!(teller.heard.lock().unwrap().iter().all(Option::is_none));
}

/// Takes tokens of its lane, whatever they say.
struct Taker;

#[async_trait]
impl Handler<Work> for Taker {
    async fn run(&self, _: Work, ctx: &JobContext) -> Result<Outcome, JobError> {
        Ok(Outcome::Done(Some(match ctx.take_tokens(10).await? {
            Tokens::Granted(units) => units.into(),
            Tokens::RetryAt(at) => (at - ctx.now()).num_seconds().into(),
        })))
    }
}

#[tokio::test]
async fn a_running_job_gets_no_tokens_where_nothing_may_start() {
    let (queue, tenant) = (TestQueue::new(), Uuid::now_v7());
    let registry = Registry::default().with::<Work, _>(Taker);
    queue.set_limit(QUEUE, rate(key(tenant, "pa"), 1.0, 5));
    let ids = enqueue(&queue, tenant, "pa", 3);
    assert_eq!(queue.run_one(&registry, ids[0]).await.result, Some(5.into()));
    assert_eq!(queue.run_one(&registry, ids[1]).await.result, Some(1.into()), "seconds until there is one again");
    queue.set_limit(QUEUE, Limit { hours: Some(business_hours()), ..Limit::new(key(tenant, "pa")) });
    assert_eq!(queue.run_one(&registry, ids[2]).await.result, Some((5 * 3_600).into()), "until it opens");
}

/// Notes how many run at once; each waits until `together` do.
struct Meeter {
    together: Barrier,
    now: AtomicUsize,
    most: std::sync::Arc<AtomicUsize>,
}

#[async_trait]
impl Handler<Work> for Meeter {
    async fn run(&self, _: Work, _: &JobContext) -> Result<Outcome, JobError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.together.wait().await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        Ok(Outcome::Done(None))
    }
}

async fn met(queue: &TestQueue, together: usize, slots: usize) -> usize {
    let most = std::sync::Arc::<AtomicUsize>::default();
    let (together, now) = (Barrier::new(together), AtomicUsize::new(0));
    let registry = Registry::default().with::<Work, _>(Meeter { together, now, most: most.clone() });
    queue.drain_with(&registry, slots).await;
    most.load(Ordering::SeqCst)
}

#[tokio::test]
async fn as_many_run_at_a_time_as_slots_and_limits_let() {
    let (queue, a, b) = (TestQueue::new(), Uuid::now_v7(), Uuid::now_v7());
    enqueue(&queue, a, "pa~1", 8);
    assert_eq!(met(&queue, 4, 4).await, 4, "the slots");
    queue.set_limit(QUEUE, most(shared("pa"), 3));
    queue.set_limit(QUEUE, most(key(a, ""), 2));
    enqueue(&queue, a, "pa~1", 6);
    assert_eq!(met(&queue, 2, 9).await, 2, "the tenant's");
    enqueue(&queue, a, "pa~1", 6);
    enqueue(&queue, b, "pa~2", 6);
    assert_eq!(met(&queue, 3, 9).await, 3, "shared by both");
    enqueue(&queue, a, "pa~1", 1);
    assert_eq!(met(&queue, 1, 1).await, 1);
    assert!(queue.jobs().iter().all(|job| job.state == State::Succeeded));
}

#[tokio::test]
async fn nobody_else_tries_a_breaker_while_one_may_still_be_at_it() {
    let (queue, teller) = (TestQueue::new(), Teller::default());
    broken(&queue, shared("pa"));
    enqueue(&queue, Uuid::now_v7(), "pa~1", 5);
    assert_eq!(queue.drain(&teller.registry()).await.dead, 3);
    queue.skip(Duration::from_secs(30));
    // It waits for somebody who does not come, and its worker vanishes.
    assert_eq!(met(&queue, 2, 2).now_or_never(), None);
    teller.goes_up();
    assert_eq!(queue.drain(&teller.registry()).await, testkit::Drained::default());
    queue.skip(testkit::LEASE);
    assert_eq!(queue.drain(&teller.registry()).await.succeeded, 2);
}

#[tokio::test]
async fn what_a_bucket_has_lent_is_owed_under_any_new_rate() {
    let (queue, tenant) = (TestQueue::new(), Uuid::now_v7());
    enqueue(&queue, tenant, "pa", 99);
    let set = |per_second| queue.set_limit(QUEUE, rate(key(tenant, "pa"), per_second, 10));
    set(1.0);
    assert_eq!(queue.drain(&flaky()).await.succeeded, 10);
    queue.set_limit(QUEUE, Limit::new(key(tenant, "pa")));
    set(0.1);
    assert_eq!(queue.drain(&flaky()).await.succeeded, 0);
    queue.skip(Duration::from_secs(20));
    assert_eq!(queue.drain(&flaky()).await.succeeded, 2);
    set(2.0);
    queue.skip(Duration::from_secs(3));
    assert_eq!(queue.drain(&flaky()).await.succeeded, 6);
}

#[tokio::test]
async fn a_dear_job_is_not_overtaken_for_ever() {
    let (queue, dear, cheap) = (TestQueue::new(), Uuid::now_v7(), Uuid::now_v7());
    queue.set_limit(QUEUE, rate(shared("pa"), 1.0, 20));
    enqueue(&queue, cheap, "pa", 20);
    assert_eq!(queue.drain(&flaky()).await.succeeded, 20, "the bucket is empty");
    let id = queue.enqueue(JobRequest::new(queue.id(), dear, Work { act: Act::Succeed }).lane("pa").cost(20));
    for _ in 0..5 {
        enqueue(&queue, cheap, "pa", 5);
        queue.skip(Duration::from_secs(5));
        queue.drain(&flaky()).await;
    }
    assert_eq!(queue.job(id).state, State::Succeeded);
}

#[tokio::test]
async fn a_weight_is_a_share() {
    let (queue, light, heavy) = (TestQueue::new(), Uuid::now_v7(), Uuid::now_v7());
    queue.set_weight(heavy, 1.0);
    queue.set_limit(QUEUE, Limit { weight: Some(3.0), ..Limit::new(key(heavy, "")) });
    let rate = Some(Rate { per_second: 1.0, burst: 40 });
    queue.set_limit(QUEUE, Limit { rate, ..Limit::new(shared("")) });
    enqueue(&queue, light, "", 40);
    let heavy = enqueue(&queue, heavy, "", 40);
    assert_eq!(queue.drain(&flaky()).await.succeeded, 40);
    let served = heavy.iter().filter(|id| queue.job(**id).state == State::Succeeded).count();
    assert_eq!(served, 30);
}

#[tokio::test]
async fn a_job_of_a_paused_kind_is_held_at_no_cost() {
    let (queue, tenant) = (TestQueue::new(), Uuid::now_v7());
    queue.set_limit(QUEUE, rate(key(tenant, ""), 1.0, 1));
    let ids = enqueue(&queue, tenant, "", 3);
    let kind = lanes::PauseScope::Kind(Work::KIND.into());
    queue.pause(QUEUE, kind.clone(), Some(Utc::now() + TimeDelta::days(36_500)));
    assert_eq!(queue.drain(&flaky()).await.held, 3);
    assert_eq!(queue.job(ids[0]).runs, 0);
    queue.resume(QUEUE, &kind);
    assert_eq!(queue.drain(&flaky()).await.succeeded, 1);
}

#[test]
#[should_panic(expected = "concurrency: At least one job may run")]
fn a_limit_that_the_engine_refuses_is_a_mistake_of_the_test() {
    TestQueue::new().set_limit(QUEUE, most(shared(""), 0));
}
