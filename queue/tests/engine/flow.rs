//! Jobs that wait for jobs, and strict order per key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use patchbay_queue::ledger::settle::End;
use patchbay_queue::ledger::{self, Inserted, dead as dead_letters, dependencies};
use patchbay_queue::*;
use uuid::Uuid;

use crate::told::{dead, request, settlement};
use crate::world::{Act, Work, World, in_ms};

#[tokio::test]
async fn a_job_waits_for_another_and_runs_when_that_is_over() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (first, _) = world.tell(request(tenant)).await;
    let (then, outcome) = world.tell(request(tenant).after(first.id)).await;
    assert_eq!(outcome, Inserted::Held);
    let view = world.view(then.id).await;
    assert_eq!(
        (view.held_by.as_deref(), view.held_reason.as_deref()),
        (Some("dependency"), Some("waits for another job"))
    );
    let mut conn = world.ledger.get().await.unwrap();
    let blockers = dependencies::waits_on(&mut conn, tenant, then.id).await.unwrap();
    assert_eq!((blockers.len(), blockers[0].on_id, blockers[0].state.as_deref()), (1, first.id, Some("waiting")));
    let settled = world.end(&first, 1, End::Succeeded(None)).await;
    assert_eq!(settled.ready.iter().map(|row| row.id).collect::<Vec<_>>(), [then.id]);
    let view = world.view(then.id).await;
    assert_eq!((view.state.as_str(), view.held_by, view.held_reason), ("waiting", None, None));
    assert_eq!(world.tell(request(tenant).after(first.id)).await.1, Inserted::Waiting, "what is over holds up nobody");
}

#[tokio::test]
async fn a_dead_letter_holds_up_until_it_is_redriven_or_discarded() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    for mend in ["redrive", "discard"] {
        let (first, _) = world.tell(request(tenant)).await;
        let (strict, _) = world.tell(request(tenant).after(first.id)).await;
        let (any, _) = world.tell(request(tenant).after_end(first.id)).await;
        let settled = world.end(&first, 1, dead()).await;
        assert_eq!(settled.ready.iter().map(|row| row.id).collect::<Vec<_>>(), [any.id]);
        assert_eq!(world.state(strict.id).await, "held");
        let mut conn = world.ledger.get().await.unwrap();
        if mend == "redrive" {
            dead_letters::redrive(&mut conn, tenant, &[first.id]).await.unwrap();
            assert!(world.follow().await.is_empty());
            assert_eq!(world.end(&first, 2, End::Succeeded(None)).await.ready.len(), 1);
        } else {
            dead_letters::discard(&mut conn, tenant, &[first.id]).await.unwrap();
            assert_eq!(world.follow().await.len(), 1);
        }
        assert_eq!(world.state(strict.id).await, "waiting");
    }
}

#[tokio::test]
async fn all_that_a_job_waits_for_has_to_be_over() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (a, _) = world.tell(request(tenant)).await;
    let (b, _) = world.tell(request(tenant)).await;
    let (then, _) = world.tell(request(tenant).after(a.id).after(b.id).run_at(Some(in_ms(60_000)))).await;
    assert!(world.end(&a, 1, End::Succeeded(None)).await.ready.is_empty());
    assert_eq!(world.state(then.id).await, "held");
    assert!(world.end(&b, 1, End::Succeeded(None)).await.ready.is_empty());
    assert_eq!(world.state(then.id).await, "scheduled", "its time has not come");
}

#[tokio::test]
async fn a_batch_may_name_its_own_jobs_in_any_order() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let last = Uuid::now_v7();
    let ids: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
    let mut batch: Vec<NewJob> = vec![
        ids.iter().fold(JobRequest::new(last, tenant, Work { act: Act::Succeed }), |job, id| job.after(*id)).into(),
    ];
    batch.extend(ids.iter().map(|id| NewJob::from(JobRequest::new(*id, tenant, Work { act: Act::Succeed }))));
    let outcomes = world.tell_all(&batch).await.outcomes;
    assert_eq!(outcomes[0], Inserted::Held);
    for job in &batch[1..] {
        assert_eq!(world.state(last).await, "held");
        world.end(job, 1, End::Succeeded(None)).await;
    }
    assert_eq!(world.state(last).await, "waiting");
}

#[tokio::test]
async fn a_crash_between_an_end_and_what_follows_delays_and_loses_nothing() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (first, _) = world.tell(request(tenant)).await;
    let (then, _) = world.tell(request(tenant).after(first.id)).await;
    world.sql(&format!("UPDATE queue.jobs SET state = 'succeeded' WHERE id = '{}'", first.id)).await;
    assert_eq!(world.state(then.id).await, "held");
    world.keeper().sweep().await.unwrap();
    assert_eq!(world.state(then.id).await, "waiting");
    assert_eq!(world.claim(9).await.iter().filter(|job| job.id == then.id).count(), 1, "it was pushed too");
}

#[tokio::test]
async fn what_vanished_holds_up_nobody() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (first, _) = world.tell(request(tenant)).await;
    let (then, _) = world.tell(request(tenant).after(first.id)).await;
    world.sql(&format!("DELETE FROM queue.jobs WHERE id = '{}'", first.id)).await;
    world.keeper().sweep().await.unwrap();
    world.keeper().sweep().await.unwrap();
    assert_eq!(world.state(then.id).await, "waiting");
}

#[tokio::test]
async fn no_tie_is_lost_where_jobs_come_while_what_they_wait_for_ends() {
    let world = Arc::new(World::new().await);
    let tenant = Uuid::now_v7();
    for _ in 0..15 {
        let (first, _) = world.tell(request(tenant)).await;
        let (second, _) = world.tell(request(tenant)).await;
        let comers = (0..4).map(|_| {
            let (world, on) = (world.clone(), [first.id, second.id]);
            tokio::spawn(async move { world.tell(request(tenant).after(on[0]).after(on[1])).await.0.id })
        });
        let comers: Vec<_> = comers.collect();
        let ends = [first, second].map(|job| {
            let world = world.clone();
            tokio::spawn(async move { world.end(&job, 1, End::Succeeded(None)).await })
        });
        for end in ends {
            end.await.unwrap();
        }
        for comer in comers {
            let id = comer.await.unwrap();
            world.follow().await;
            assert_eq!(world.state(id).await, "waiting");
        }
    }
    assert_eq!(world.rows_of("queue.dependencies").await, 0);
}

#[tokio::test]
async fn an_order_is_kept_where_its_middle_is_cancelled_and_where_its_end_was() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (runs, _) = world.tell(request(tenant).in_order("k")).await;
    let (middle, _) = world.tell(request(tenant).in_order("k")).await;
    let (third, _) = world.tell(request(tenant).in_order("k")).await;
    let mut conn = world.ledger.get().await.unwrap();
    ledger::cancel::cancel(&mut conn, tenant, middle.id, false).await.unwrap();
    assert!(world.follow().await.is_empty());
    assert_eq!(world.state(third.id).await, "held", "the first one runs still");
    ledger::cancel::cancel(&mut conn, tenant, third.id, false).await.unwrap();
    world.follow().await;
    let (fourth, outcome) = world.tell(request(tenant).in_order("k")).await;
    assert_eq!(outcome, Inserted::Held, "what it follows is cancelled, but the first one runs still");
    let settled = world.end(&runs, 1, End::Succeeded(None)).await;
    assert_eq!(settled.ready.iter().map(|row| row.id).collect::<Vec<_>>(), [fourth.id]);
    assert_eq!(world.rows_of("queue.dependencies").await, 0);
}

#[tokio::test]
async fn a_long_chain_of_cancelled_jobs_passes_on_in_steps() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let chain: Vec<NewJob> = (0..700).map(|_| request(tenant).in_order("k").into()).collect();
    world.tell_all(&chain).await;
    let (last, _) = world.tell(request(tenant).in_order("k")).await;
    let mut conn = world.ledger.get().await.unwrap();
    let cancel: Vec<_> = chain[1..].iter().map(|job| (tenant, job.id, false)).collect();
    ledger::cancel::cancel_many(&mut conn, &cancel).await.unwrap();
    world.follow().await;
    assert_eq!(world.state(last.id).await, "held");
    world.end(&chain[0], 1, End::Succeeded(None)).await;
    world.follow().await;
    assert_eq!(world.state(last.id).await, "waiting");
}

/// Runs jobs of several keys and sees that each key's come one at a time and in order.
#[derive(Clone, Default)]
struct Ordered {
    seen: Arc<Mutex<HashMap<String, Vec<u64>>>>,
    running: Arc<Mutex<HashMap<String, u64>>>,
}

#[async_trait]
impl Handler<Step> for Ordered {
    async fn run(&self, job: Step, ctx: &JobContext) -> Result<Outcome, JobError> {
        let beside = self.running.lock().unwrap().insert(job.key.clone(), job.n);
        assert_eq!(beside, None, "two of {} run at once", job.key);
        tokio::time::sleep(Duration::from_millis(job.n % 4)).await;
        self.running.lock().unwrap().remove(&job.key);
        if job.n % 11 == 3 && ctx.attempt() == 1 {
            return Err(JobError::retryable("once", "as told"));
        }
        self.seen.lock().unwrap().entry(job.key).or_default().push(job.n);
        Ok(Outcome::Done(None))
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Step {
    key: String,
    n: u64,
}

impl Job for Step {
    const KIND: &'static str = "tests.step";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = crate::world::QUEUE;
    const POLICY: Policy =
        Policy { backoff: Duration::from_millis(10), backoff_max: Duration::from_millis(50), ..Policy::DEFAULT };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_and_retries_each_key_is_served_one_by_one_and_in_order() {
    let world = World::new().await;
    let _keeper = world.keep();
    let ordered = Ordered::default();
    let registry = || Registry::default().with::<Step, _>(ordered.clone());
    let workers = [world.work(registry(), 8), world.work(registry(), 8)];
    let tenant = Uuid::now_v7();
    let jobs: Vec<NewJob> = (0..30)
        .flat_map(|n| (0..8).map(move |key| (n, format!("key {key}"))))
        .map(|(n, key)| JobRequest::new(Uuid::now_v7(), tenant, Step { key: key.clone(), n }).in_order(key).into())
        .collect();
    for batch in jobs.chunks(60) {
        world.enqueue(batch).await;
    }
    world.until_count("succeeded", 240).await;
    for worker in workers {
        worker.stop().await;
    }
    for (key, seen) in ordered.seen.lock().unwrap().iter() {
        assert_eq!(seen, &(0..30).collect::<Vec<_>>(), "{key}");
    }
    world.keeper().sweep().await.unwrap();
    assert_eq!((world.rows_of("queue.dependencies").await, world.rows_of("queue.order_tails").await), (0, 0));
}

#[tokio::test]
async fn one_end_settles_beside_others_and_frees_only_its_own() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let jobs: Vec<NewJob> = (0..20).map(|_| request(tenant).into()).collect();
    world.tell_all(&jobs).await;
    let (then, _) = world.tell(request(tenant).after(jobs[7].id)).await;
    let mut conn = world.ledger.get().await.unwrap();
    let all: Vec<_> = jobs.iter().map(|job| settlement(job, 1, End::Succeeded(None))).collect();
    let settled = ledger::settle::settle(&mut conn, "w", &all).await.unwrap();
    assert_eq!((settled.jobs.len(), settled.ready.len()), (20, 1));
    assert_eq!(settled.ready[0].id, then.id);
}
