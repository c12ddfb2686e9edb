//! The test kit does as the engine does: the same random histories through both, and the same jobs in the same states.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use patchbay_queue::ledger::settle::{End, Settlement, settle};
use patchbay_queue::ledger::{cancel, dead, dependencies, enqueue, groups, hold, view};
use patchbay_queue::testkit::{State, TestQueue};
use patchbay_queue::*;
use proptest::prelude::*;
use uuid::Uuid;

use crate::told::attempt;
use crate::world::{Act, QUEUE, Work, World};

/// One thing that happens. Numbers name earlier jobs, by the order in which they came.
#[derive(Debug, Clone)]
enum Step {
    Enqueue {
        act: Act,
        key: Option<u8>,
        conflict: Conflict,
        order: Option<u8>,
        after: Vec<(usize, bool)>,
        held: bool,
        grouped: bool,
    },
    AfterGroup {
        any_end: bool,
    },
    SealGroup,
    Drain,
    Cancel(usize),
    Hold(usize),
    Release(usize),
    Redrive(usize),
    Discard(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let act = prop_oneof![3 => Just(Act::Succeed), 1 => Just(Act::Refuse)];
    let conflict =
        prop_oneof![Just(Conflict::Keep), Just(Conflict::Replace), Just(Conflict::PushBack), Just(Conflict::KeepLast)];
    let after = prop::collection::vec((0..12usize, any::<bool>()), 0..2);
    let enqueue = (
        act,
        prop::option::of(0..2u8),
        conflict,
        prop::option::of(0..2u8),
        after,
        prop::bool::weighted(0.15),
        any::<bool>(),
    )
        .prop_map(|(act, key, conflict, order, after, held, grouped)| Step::Enqueue {
            act,
            key,
            conflict,
            order,
            after,
            held,
            grouped,
        });
    let step = prop_oneof![
        8 => enqueue,
        1 => any::<bool>().prop_map(|any_end| Step::AfterGroup { any_end }),
        1 => Just(Step::SealGroup),
        3 => Just(Step::Drain),
        1 => (0..12usize).prop_map(Step::Cancel),
        1 => (0..12usize).prop_map(Step::Hold),
        2 => (0..12usize).prop_map(Step::Release),
        1 => (0..12usize).prop_map(Step::Redrive),
        1 => (0..12usize).prop_map(Step::Discard),
    ];
    prop::collection::vec(step, 1..24)
}

#[derive(Clone)]
struct AsTold;

#[async_trait]
impl Handler<Work> for AsTold {
    async fn run(&self, job: Work, _: &JobContext) -> Result<Outcome, JobError> {
        match job.act {
            Act::Succeed => Ok(Outcome::Done(None)),
            _ => Err(JobError::permanent("refused", "as told")),
        }
    }
}

/// The engine, worked by hand: no worker, no timing.
struct Real {
    world: World,
    tenant: Uuid,
}

impl Real {
    async fn drain(&self) {
        let keeper = self.world.keeper();
        loop {
            keeper.sweep().await.unwrap();
            let claimed = self.world.claim(64).await;
            if claimed.is_empty() {
                return;
            }
            let ends: Vec<Settlement> = claimed.iter().map(end_of).collect();
            let mut conn = self.world.ledger.get().await.unwrap();
            let settled = settle(&mut conn, "by-hand", &ends).await.unwrap();
            let leases: Vec<_> = claimed.iter().map(|job| (job.id, job.token)).collect();
            self.world.lanes.ack(QUEUE, &leases).await.unwrap();
            let ready: Vec<Envelope> = settled.ready.into_iter().map(Envelope::from).collect();
            self.world.lanes.push(QUEUE, &ready, self.world.window, false).await.unwrap();
        }
    }

    async fn take_out(&self, id: Uuid) {
        let lane = LaneName { tenant: self.tenant, lane: String::new() };
        self.world.lanes.withdraw(QUEUE, &[(id, lane)]).await.unwrap();
    }
}

fn end_of(job: &Envelope) -> Settlement {
    let work: Work = serde_json::from_slice(&job.payload).unwrap();
    let end = match work.act {
        Act::Succeed => End::Succeeded(None),
        _ => End::Dead { errors: 1, crashes: 0, attempt: attempt("permanent") },
    };
    Settlement {
        tenant: job.header.tenant,
        id: job.id,
        token: job.token,
        started_at: Utc::now(),
        end,
        progress: None,
        unique: job.header.unique,
        generation: job.header.generation,
    }
}

/// What the keeper does after ends, as often as there is something to do. (What it frees, the next sweep pushes.)
async fn follow(conn: &mut diesel_async::AsyncPgConnection) {
    while groups::any_delta(conn).await.unwrap() || dependencies::any_ended(conn).await.unwrap() {
        groups::fold(conn, 1_000).await.unwrap();
        dependencies::pass_on(conn, 1_000).await.unwrap();
    }
}

async fn same(history: Vec<Step>) {
    let world = World::new().await;
    let (memory, registry) = (TestQueue::at(Utc::now()), Registry::default().with::<Work, _>(AsTold));
    let probe: NewJob = memory.request(Work { act: Act::Succeed }).into();
    let real = Real { world, tenant: probe.tenant_id };
    let (tenant, group) = (real.tenant, memory.id());
    let mut ids: Vec<Uuid> = Vec::new();
    let mut sealed = false;
    for step in history {
        let mut conn = real.world.ledger.get().await.unwrap();
        let named = |n: usize| ids.get(n).copied();
        match step {
            Step::Enqueue { act, key, conflict, order, after, held, grouped } => {
                let mut request = JobRequest::new(Uuid::now_v7(), tenant, Work { act });
                if let Some(key) = key {
                    request = request.unique(key.to_string()).on_conflict(conflict);
                }
                if let Some(order) = order {
                    request = request.in_order(order.to_string());
                }
                for (n, any_end) in after {
                    if let Some(on) = named(n) {
                        request = if any_end { request.after_end(on) } else { request.after(on) };
                    }
                }
                if held {
                    request = request.held(hold::APPROVAL, "wait");
                }
                if grouped && !sealed {
                    request = request.group(group);
                }
                let job: NewJob = request.into();
                let here = memory.enqueue_all(vec![job.clone()]);
                let there = enqueue(&mut conn, std::slice::from_ref(&job)).await.unwrap();
                assert_eq!(here, there.outcomes, "{job:?}");
                ids.push(job.id);
            }
            Step::AfterGroup { any_end } => {
                let request = JobRequest::new(Uuid::now_v7(), tenant, Work { act: Act::Succeed });
                let request = if any_end { request.after_group_end(group) } else { request.after_group(group) };
                let job: NewJob = request.into();
                let here = memory.enqueue_all(vec![job.clone()]);
                assert_eq!(here, enqueue(&mut conn, std::slice::from_ref(&job)).await.unwrap().outcomes);
                ids.push(job.id);
            }
            Step::SealGroup => {
                sealed = true;
                memory.seal_group(group);
                groups::create(&mut conn, tenant, group, "g").await.unwrap();
                groups::seal(&mut conn, tenant, group).await.unwrap();
            }
            Step::Drain => {
                memory.drain(&registry).await;
                real.drain().await;
            }
            Step::Cancel(n) => {
                let Some(id) = named(n) else { continue };
                real.take_out(id).await;
                memory.cancel(id);
                cancel::cancel(&mut conn, tenant, id, false).await.unwrap();
            }
            Step::Hold(n) => {
                let Some(id) = named(n) else { continue };
                real.take_out(id).await;
                memory.hold(id, "wait");
                hold::hold(&mut conn, tenant, &[id], hold::OPERATOR, "wait").await.unwrap();
                real.take_out(id).await;
            }
            Step::Release(n) => {
                let Some(id) = named(n) else { continue };
                memory.release(id);
                hold::release(&mut conn, tenant, &[id]).await.unwrap();
            }
            Step::Redrive(n) => {
                let Some(id) = named(n) else { continue };
                memory.redrive(id);
                dead::redrive(&mut conn, tenant, &[id]).await.unwrap();
            }
            Step::Discard(n) => {
                let Some(id) = named(n) else { continue };
                memory.discard(id);
                dead::discard(&mut conn, tenant, &[id]).await.unwrap();
            }
        }
        follow(&mut conn).await;
    }
    let mut conn = real.world.ledger.get().await.unwrap();
    let there = view::get_many(&mut conn, &ids).await.unwrap();
    let there: BTreeMap<Uuid, _> = there.into_iter().map(|job| (job.id, (job.state, job.held_by))).collect();
    let here = memory.jobs().into_iter().map(|job| (job.new.id, (job.state.name().to_owned(), job.held_by)));
    assert_eq!(here.collect::<BTreeMap<_, _>>(), there);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_engine_come_to_the_same(history in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(same(history));
    }
}

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
