//! Unique keys: who has one, what a newcomer means, and that no crash leaves one taken.

use std::time::{Duration, Instant};

use patchbay_queue::ledger::settle::End;
use patchbay_queue::ledger::{self, Inserted, tidy, unique};
use patchbay_queue::*;
use uuid::Uuid;

use crate::told::{attempt, dead, request};
use crate::world::{Act, Doer, QUEUE, Work, World, in_ms};

fn keyed(tenant: Uuid, conflict: Conflict) -> JobRequest<Work> {
    request(tenant).unique("key").on_conflict(conflict)
}

#[tokio::test]
async fn a_key_is_free_in_the_statement_that_ends_its_job_whatever_end_it_is() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let ends = ["succeeded", "dead", "cancelled", "discarded"];
    for end in ends {
        let (job, outcome) = world.tell(keyed(tenant, Conflict::Keep)).await;
        assert_eq!(outcome, Inserted::Waiting, "before {end}");
        // One statement and no other, as of a process that dies right after it.
        world.sql(&format!("UPDATE queue.jobs SET state = '{end}' WHERE id = '{}'", job.id)).await;
        assert_eq!(world.rows_of("queue.unique_keys").await, 0, "{end}");
    }
}

#[tokio::test]
async fn a_poison_job_gives_its_key_back() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (job, _) = world.tell(keyed(tenant, Conflict::Keep)).await;
    let mut conn = world.ledger.get().await.unwrap();
    for n in 1..=3 {
        let lost = ledger::crash::Lost { tenant, id: job.id, token: 10 * n, before: 10 * n - 5, worker: "gone".into() };
        let begun = ledger::crash::Begun { tenant, id: job.id, token: 10 * n - 5, since: chrono::Utc::now() };
        ledger::crash::mark_running(&mut conn, "gone", &[begun]).await.unwrap();
        ledger::crash::crash(&mut conn, &[lost]).await.unwrap();
    }
    assert_eq!(world.state(job.id).await, "dead");
    assert_eq!(world.tell(keyed(tenant, Conflict::Keep)).await.1, Inserted::Waiting);
}

#[tokio::test]
async fn a_key_left_behind_means_nothing_and_is_tidied_up() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (gone, _) = world.tell(request(tenant)).await;
    world.end(&gone, 1, End::Succeeded(None)).await;
    let leave = format!(
        "INSERT INTO queue.unique_keys (tenant_id, kind, key, job_id) VALUES ('{tenant}', 'tests.work', 'key', '{}')",
        gone.id
    );
    world.sql(&leave).await;
    let (job, outcome) = world.tell(keyed(tenant, Conflict::Keep)).await;
    assert_eq!(outcome, Inserted::Waiting);
    assert_eq!(world.tell(keyed(tenant, Conflict::Keep)).await.1, Inserted::Existing(job.id));
    world.end(&job, 1, End::Succeeded(None)).await;
    world.sql(&leave).await;
    let mut conn = world.ledger.get().await.unwrap();
    tidy::keys(&mut conn, &tidy::Place::default(), 10).await.unwrap();
    assert_eq!(world.rows_of("queue.unique_keys").await, 0);
}

#[tokio::test]
async fn an_enqueue_that_fails_takes_no_key() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (there, _) = world.tell(request(tenant)).await;
    let twice: NewJob = JobRequest::new(there.id, tenant, Work { act: Act::Succeed }).unique("key").into();
    let mut conn = world.ledger.get().await.unwrap();
    assert!(ledger::enqueue(&mut conn, &[twice]).await.is_err());
    assert_eq!(world.rows_of("queue.unique_keys").await, 0);
}

#[tokio::test]
async fn of_many_who_come_at_once_one_is_taken() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    for round in 0..10 {
        let key = format!("round {round}");
        let tries = (0..6).map(|_| world.tell(request(tenant).unique(&key)));
        let outcomes = futures_util::future::join_all(tries).await;
        let new: Vec<&NewJob> =
            outcomes.iter().filter(|(_, outcome)| *outcome == Inserted::Waiting).map(|(job, _)| job).collect();
        assert_eq!(new.len(), 1);
        assert!(outcomes.iter().all(|(job, o)| job.id == new[0].id || *o == Inserted::Existing(new[0].id)));
    }
}

#[tokio::test]
async fn a_replaced_job_takes_the_new_payload_and_a_fresh_budget_in_redis_too() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let dispatcher = Dispatcher::start(world.lanes.clone(), world.window);
    let (first, _) = world.tell(keyed(tenant, Conflict::Replace)).await;
    dispatcher.push(std::slice::from_ref(&first), Instant::now());
    let second: NewJob = JobRequest::new(Uuid::now_v7(), tenant, Work { act: Act::Count(3) })
        .unique("key")
        .on_conflict(Conflict::Replace)
        .into();
    let enqueued = world.tell_all(std::slice::from_ref(&second)).await;
    assert_eq!(enqueued.outcomes, [Inserted::Replaced(first.id)]);
    dispatcher.refresh(enqueued.changed, Instant::now());
    // Errands are done in order: when this one is there, the refresh is done.
    let (marker, _) = world.tell(request(Uuid::now_v7())).await;
    dispatcher.push(&[marker], Instant::now());
    while world.lanes.queue_stats(QUEUE).await.unwrap().waiting < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let claimed = world.claim(2).await.into_iter().find(|job| job.id == first.id).unwrap();
    assert_eq!(claimed.header.generation, 1);
    assert_eq!((claimed.id, claimed.payload.as_ref()), (first.id, second.payload.as_slice()));
    assert_eq!(world.rows_of("queue.jobs").await, 2, "the marker's, and one");
}

#[tokio::test]
async fn a_job_replaced_while_it_runs_runs_again_with_the_new_payload() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (job, _) = world.tell(keyed(tenant, Conflict::Replace)).await;
    assert_eq!(world.tell(keyed(tenant, Conflict::Replace)).await.1, Inserted::Replaced(job.id));
    let old = world.end(&job, 1, End::Succeeded(None)).await;
    assert!(old.jobs.is_empty(), "the old payload's end is not the job's");
    assert_eq!(old.ready.iter().map(|row| (row.id, row.generation)).collect::<Vec<_>>(), [(job.id, 1)]);
    assert_eq!(world.state(job.id).await, "waiting");
    assert_eq!(world.tell(keyed(tenant, Conflict::Keep)).await.1, Inserted::Existing(job.id));
}

#[tokio::test]
async fn a_job_that_is_replaced_while_its_run_is_being_cancelled_runs_again() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (job, _) = world.tell(keyed(tenant, Conflict::Replace)).await;
    let mut conn = world.ledger.get().await.unwrap();
    assert_eq!(ledger::cancel::cancel(&mut conn, tenant, job.id, true).await.unwrap().as_deref(), Some("waiting"));
    assert_eq!(world.tell(keyed(tenant, Conflict::Replace)).await.1, Inserted::Replaced(job.id));
    let old = world.end(&job, 1, End::Cancelled).await;
    assert_eq!(old.ready.iter().map(|row| (row.id, row.cancel_requested)).collect::<Vec<_>>(), [(job.id, false)]);
    assert_eq!(world.state(job.id).await, "waiting");
}

#[tokio::test]
async fn a_pushed_back_job_runs_later_never_earlier() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let at = |ms| Some(in_ms(ms));
    let (job, outcome) = world.tell(keyed(tenant, Conflict::PushBack).run_at(at(60_000))).await;
    assert_eq!(outcome, Inserted::Scheduled);
    let later = world.tell(keyed(tenant, Conflict::PushBack).run_at(at(120_000))).await;
    assert_eq!(later.1, Inserted::PushedBack(job.id));
    world.tell(keyed(tenant, Conflict::PushBack).run_at(at(1_000))).await;
    let view = world.view(job.id).await;
    assert_eq!(view.run_at.timestamp_millis(), later.0.run_at.unwrap().timestamp_millis());
    // One that is due goes back to wait, and a run that had begun is not its end.
    world.sql("UPDATE queue.jobs SET run_at = now(), state = 'waiting'").await;
    world.tell(keyed(tenant, Conflict::PushBack).run_at(at(60_000))).await;
    assert!(world.end(&job, 1, End::Succeeded(None)).await.jobs.is_empty());
    assert_eq!(world.state(job.id).await, "scheduled");
}

/// The end of a run that was put off for an hour.
fn put_off() -> End {
    let (at, reason) = (in_ms(3_600_000), Some("throttled: slow down".to_owned()));
    End::Again { at, errors: 0, crashes: 0, interruptions: 0, attempt: attempt("throttled"), reason }
}

#[tokio::test]
async fn why_a_job_was_put_off_says_nothing_of_the_time_that_it_is_given_then() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (job, _) = world.tell(keyed(tenant, Conflict::Keep)).await;
    world.end(&job, 1, put_off()).await;
    let view = world.view(job.id).await;
    assert_eq!((view.held_reason.as_deref(), view.started_at.is_some()), (Some("throttled: slow down"), true));
    world.tell(keyed(tenant, Conflict::PushBack).run_at(Some(in_ms(60_000)))).await;
    assert_eq!(world.view(job.id).await.held_reason, view.held_reason, "it was put off for longer");
    world.tell(keyed(tenant, Conflict::PushBack).run_at(Some(in_ms(7_200_000)))).await;
    let view = world.view(job.id).await;
    assert_eq!((view.state.as_str(), view.held_reason, view.started_at.is_some()), ("scheduled", None, true));
    world.tell(keyed(tenant, Conflict::Replace).run_at(Some(in_ms(60_000)))).await;
    assert_eq!(world.view(job.id).await.started_at, None, "what it is now has not been tried");

    let mut conn = world.ledger.get().await.unwrap();
    ledger::hold::hold(&mut conn, tenant, &[job.id], ledger::hold::OPERATOR, "a doubt").await.unwrap();
    world.tell(keyed(tenant, Conflict::PushBack).run_at(Some(in_ms(9_999_000)))).await;
    assert_eq!(world.view(job.id).await.held_reason.as_deref(), Some("a doubt"), "somebody holds it still");
}

#[tokio::test]
async fn while_one_runs_the_last_of_those_that_come_is_kept_and_runs_after_it() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (runs, _) = world.tell(keyed(tenant, Conflict::KeepLast)).await;
    let (next, outcome) = world.tell(keyed(tenant, Conflict::KeepLast)).await;
    assert_eq!(outcome, Inserted::Held);
    let last: NewJob = JobRequest::new(Uuid::now_v7(), tenant, Work { act: Act::Count(7) })
        .unique("key")
        .on_conflict(Conflict::KeepLast)
        .into();
    assert_eq!(world.tell_all(std::slice::from_ref(&last)).await.outcomes, [Inserted::Replaced(next.id)]);
    let settled = world.end(&runs, 1, dead()).await;
    assert_eq!(settled.ready.len(), 1, "any end will do");
    assert_eq!((settled.ready[0].id, &settled.ready[0].payload), (next.id, &last.payload));
    assert_eq!(
        world.tell(keyed(tenant, Conflict::Keep)).await.1,
        Inserted::Existing(next.id),
        "the key is the next one's"
    );
    let (third, outcome) = world.tell(keyed(tenant, Conflict::KeepLast)).await;
    assert_eq!((outcome, world.state(third.id).await.as_str()), (Inserted::Held, "held"));
}

#[tokio::test]
async fn the_last_one_kept_is_not_lost_where_the_worker_dies_after_the_end() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (runs, _) = world.tell(keyed(tenant, Conflict::KeepLast)).await;
    let (next, _) = world.tell(keyed(tenant, Conflict::KeepLast)).await;
    world.sql(&format!("UPDATE queue.jobs SET state = 'succeeded' WHERE id = '{}'", runs.id)).await;
    // Between the end and what follows from it, somebody comes: the one that is kept has the key.
    assert_eq!(world.tell(keyed(tenant, Conflict::Keep)).await.1, Inserted::Existing(next.id));
    assert_eq!(world.follow().await.len(), 1);
    assert_eq!(world.state(next.id).await, "waiting");
}

#[tokio::test]
async fn a_window_keeps_the_key_past_the_end_and_no_longer() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let windowed = || request(tenant).unique("key").unique_for(Duration::from_secs(3600));
    let (job, _) = world.tell(windowed()).await;
    world.end(&job, 1, End::Succeeded(None)).await;
    assert_eq!(world.tell(windowed()).await.1, Inserted::Existing(job.id));
    world.sql("UPDATE queue.unique_keys SET expires_at = now() - interval '1 s'").await;
    let (second, outcome) = world.tell(windowed()).await;
    assert_eq!(outcome, Inserted::Waiting);
    // A holder that outlives its window has the key until its end.
    world.sql("UPDATE queue.unique_keys SET expires_at = now() - interval '1 s'").await;
    assert_eq!(world.tell(windowed()).await.1, Inserted::Existing(second.id));
    let mut conn = world.ledger.get().await.unwrap();
    unique::sweep(&mut conn, 10).await.unwrap();
    world.end(&second, 1, End::Succeeded(None)).await;
    assert_eq!(world.rows_of("queue.unique_keys").await, 0);
}

#[tokio::test]
async fn keys_of_one_batch_follow_its_order() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let batch: Vec<NewJob> =
        vec![keyed(tenant, Conflict::Keep).into(), keyed(tenant, Conflict::Replace).into(), request(tenant).into()];
    let outcomes = world.tell_all(&batch).await.outcomes;
    assert_eq!(outcomes, [Inserted::Waiting, Inserted::Replaced(batch[0].id), Inserted::Waiting]);
    assert_eq!(world.rows_of("queue.jobs").await, 2);
}

#[tokio::test]
async fn with_workers_the_last_state_always_runs_last() {
    let world = World::new().await;
    let _keeper = world.keep();
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 4);
    let tenant = Uuid::now_v7();
    let dispatcher = Dispatcher::start(world.lanes.clone(), world.window);
    for n in 0..30 {
        let job: NewJob = JobRequest::new(Uuid::now_v7(), tenant, Work { act: Act::Sleep(n % 7) })
            .unique("state")
            .on_conflict(Conflict::KeepLast)
            .into();
        let enqueued = world.tell_all(std::slice::from_ref(&job)).await;
        if enqueued.outcomes == [Inserted::Waiting] {
            dispatcher.push(&[job], Instant::now());
        }
        dispatcher.refresh(enqueued.changed, Instant::now());
        tokio::time::sleep(Duration::from_millis(n % 5)).await;
    }
    let jobs = world.rows_of("queue.jobs").await;
    world.until_count("succeeded", jobs).await;
    worker.stop().await;
    assert!((2..=30).contains(&jobs) && i64::try_from(doer.count()) == Ok(jobs), "{jobs} rows, {} runs", doer.count());
    assert_eq!(world.lanes.queue_stats(QUEUE).await.unwrap().waiting, 0);
}
