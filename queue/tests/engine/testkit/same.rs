//! The test kit does as the engine does: the same random histories through both, and the same jobs in the same states.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::Utc;
use futures_util::FutureExt as _;
use patchbay_queue::ledger::{dead, enqueue, groups, hold, view};
use patchbay_queue::testkit::TestQueue;
use patchbay_queue::*;
use proptest::prelude::*;
use uuid::Uuid;

use super::real::{Real, follow};
use super::steps::{HOUR, Step, limits, ties};
use crate::bare::{key, shared};
use crate::world::{Act, QUEUE, Work, World};

/// Where all jobs wait: in one lane, as the order of several is no promise.
pub(super) const LANE: &str = "pa~1";

#[derive(Clone)]
struct AsTold;

#[async_trait]
impl Handler<Work> for AsTold {
    async fn run(&self, job: Work, ctx: &JobContext) -> Result<Outcome, JobError> {
        if job.act == Act::Succeed {
            ctx.succeeded("pa").await;
            return Ok(Outcome::Done(None));
        }
        ctx.failed("pa").await;
        let permanent = job.act == Act::Refuse;
        Err(if permanent {
            JobError::permanent("refused", "as told")
        } else {
            JobError::retryable("failed", "as told")
        })
    }
}

/// Never ends.
struct Hangs;

#[async_trait]
impl Handler<Work> for Hangs {
    async fn run(&self, _: Work, _: &JobContext) -> Result<Outcome, JobError> {
        std::future::pending().await
    }
}

async fn same(history: Vec<Step>) {
    let world = World::new().await;
    let (memory, registry) = (TestQueue::at(Utc::now()), Registry::default().with::<Work, _>(AsTold));
    let hangs = Registry::default().with::<Work, _>(Hangs);
    let probe: NewJob = memory.request(Work { act: Act::Succeed }).into();
    let real = Real { world, tenant: probe.tenant_id };
    let (tenant, group) = (real.tenant, memory.id());
    let keys = [shared(""), key(tenant, ""), key(tenant, "pa"), key(tenant, LANE), shared("pa"), shared(LANE)];
    let mut ids: Vec<Uuid> = Vec::new();
    let mut sealed = false;
    for step in history {
        let mut conn = real.world.ledger.get().await.unwrap();
        let named = |n: usize| ids.get(n).copied();
        match step {
            Step::Enqueue { act, key, conflict, order, after, held, grouped } => {
                let mut request = JobRequest::new(Uuid::now_v7(), tenant, Work { act }).lane(LANE);
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
                let request = JobRequest::new(Uuid::now_v7(), tenant, Work { act: Act::Succeed }).lane(LANE);
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
            Step::Crash => {
                // The drain is dropped with what it runs.
                let _nothing_due = memory.drain(&hangs).now_or_never();
                real.crash().await;
            }
            Step::AnHourLater => {
                memory.skip(HOUR);
                real.an_hour_later().await;
            }
            Step::Limit { key, set } => {
                let limit = set.on(keys[key].clone(), memory.now());
                memory.set_limit(QUEUE, limit.clone());
                real.limit(limit).await;
            }
            Step::Cancel(n) => {
                let Some(id) = named(n) else { continue };
                memory.cancel(id);
                real.cancel(id).await;
            }
            Step::Hold(n) => {
                let Some(id) = named(n) else { continue };
                memory.hold(id, "wait");
                real.hold(id).await;
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
        // What it frees, the next sweep pushes.
        follow(&mut conn).await;
    }
    let mut conn = real.world.ledger.get().await.unwrap();
    let there = view::get_many(&mut conn, &ids).await.unwrap();
    let there = there.into_iter().map(|job| {
        let attempts = job.attempts.as_array().unwrap().iter();
        let attempts: Vec<String> = attempts
            .map(|told| format!("{} {}", told["class"].as_str().unwrap(), told["times"].as_u64().unwrap_or(1)))
            .collect();
        (job.id, (job.state, job.held_by, job.errors, job.crashes, attempts))
    });
    let here = memory.jobs().into_iter().map(|job| {
        let attempts: Vec<String> = job.attempts.iter().map(|told| format!("{} {}", told.class, told.times)).collect();
        (job.new.id, (job.state.name().to_owned(), job.held_by, job.errors, job.crashes, attempts))
    });
    assert_eq!(here.collect::<BTreeMap<_, _>>(), there.collect::<BTreeMap<_, _>>());
}

fn run(history: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(same(history));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_engine_come_to_the_same(history in ties()) {
        run(history);
    }

    #[test]
    fn memory_and_engine_come_to_the_same_under_limits(history in limits()) {
        run(history);
    }
}
