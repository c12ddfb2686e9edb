//! Held jobs: approvals, operators, paused kinds; expiry; what waits for years.

use std::time::Instant;

use chrono::{Days, NaiveDate, TimeDelta, Utc};
use patchbay_queue::ledger::settle::End;
use patchbay_queue::ledger::{self, Inserted, hold};
use patchbay_queue::*;
use uuid::Uuid;

use crate::told::{attempt, request};
use crate::world::{Act, Doer, QUEUE, Work, World, in_ms};

fn again() -> End {
    End::Again { at: Utc::now(), errors: 1, crashes: 0, interruptions: 0, attempt: attempt("retryable"), reason: None }
}

#[tokio::test]
async fn a_job_waits_for_its_approval_and_says_so() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 2);
    let _keeper = world.keep();
    let (job, outcome) = world.tell(request(tenant).held(hold::APPROVAL, "approval apr_1 by the owner")).await;
    assert_eq!(outcome, Inserted::Held);
    let view = world.view(job.id).await;
    assert_eq!(
        (view.held_by.as_deref(), view.held_reason.as_deref()),
        (Some("approval"), Some("approval apr_1 by the owner"))
    );
    let mut conn = world.ledger.get().await.unwrap();
    assert!(hold::release(&mut conn, Uuid::now_v7(), &[job.id]).await.unwrap().is_empty(), "another tenant's");
    assert_eq!(hold::release(&mut conn, tenant, &[job.id]).await.unwrap().len(), 1);
    assert!(hold::release(&mut conn, tenant, &[job.id]).await.unwrap().is_empty());
    world.until(job.id, &["succeeded"]).await;
    let (rejected, _) = world.tell(request(tenant).held(hold::APPROVAL, "no")).await;
    let state = ledger::cancel::cancel(&mut conn, tenant, rejected.id, false).await.unwrap();
    assert_eq!(state.as_deref(), Some("cancelled"));
    worker.stop().await;
    assert_eq!(doer.count(), 1);
}

#[tokio::test]
async fn an_approved_job_still_waits_for_its_time_and_for_others() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (first, _) = world.tell(request(tenant)).await;
    let (later, _) = world.tell(request(tenant).held("approval", "?").run_at(Some(in_ms(60_000)))).await;
    let (tied, _) = world.tell(request(tenant).held("approval", "?").after(first.id)).await;
    let mut conn = world.ledger.get().await.unwrap();
    assert!(hold::release(&mut conn, tenant, &[later.id, tied.id]).await.unwrap().is_empty());
    assert_eq!(world.state(later.id).await, "scheduled");
    assert_eq!(world.view(tied.id).await.held_by.as_deref(), Some("dependency"));
    assert!(hold::release(&mut conn, tenant, &[tied.id]).await.unwrap().is_empty(), "nobody cuts a tie by a release");
    assert_eq!(world.end(&first, 1, End::Succeeded(None)).await.ready.len(), 1);
    // The other way round: what it waited for is over before the approval.
    let (second, _) = world.tell(request(tenant)).await;
    let (approved_last, _) = world.tell(request(tenant).held("approval", "?").after(second.id)).await;
    assert!(world.end(&second, 1, End::Succeeded(None)).await.ready.is_empty());
    assert_eq!(hold::release(&mut conn, tenant, &[approved_last.id]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_operators_hold_takes_a_waiting_job_out_and_lets_what_runs_finish() {
    let world = World::new().await;
    let (waits, runs) = (world.job(Uuid::now_v7(), Act::Succeed), world.job(Uuid::now_v7(), Act::Succeed));
    world.enqueue(std::slice::from_ref(&runs)).await;
    let claimed = world.claim(1).await.remove(0);
    world.enqueue(std::slice::from_ref(&waits)).await;
    let mut conn = world.ledger.get().await.unwrap();
    for job in [&waits, &runs] {
        let lane = LaneName { tenant: job.tenant_id, lane: String::new() };
        let running = world.lanes.withdraw(QUEUE, &[(job.id, lane)]).await.unwrap();
        assert_eq!(running, [job.id == runs.id]);
        assert_eq!(hold::hold(&mut conn, job.tenant_id, &[job.id], hold::OPERATOR, "wait").await.unwrap(), [job.id]);
    }
    assert!(world.claim(9).await.is_empty());
    assert_eq!(world.end(&runs, claimed.token, End::Succeeded(None)).await.jobs, [runs.id]);
    assert_eq!((world.state(runs.id).await, world.state(waits.id).await), ("succeeded".into(), "held".into()));
    world.keeper().sweep().await.unwrap();
    assert!(world.claim(9).await.is_empty(), "repair does not bring back what is held");
}

#[tokio::test]
async fn a_run_that_would_go_again_is_held_where_somebody_holds_the_job_and_over_where_somebody_cancels_it() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (job, _) = world.tell(request(tenant)).await;
    let mut conn = world.ledger.get().await.unwrap();
    hold::hold(&mut conn, tenant, &[job.id], hold::OPERATOR, "wait").await.unwrap();
    world.end(&job, 1, again()).await;
    let view = world.view(job.id).await;
    assert_eq!((view.state.as_str(), view.errors, view.held_reason.as_deref()), ("held", 1, Some("wait")));
    let parked = || End::Held { by: hold::KIND_PAUSE.into(), reason: "paused".into() };
    world.end(&job, 2, parked()).await;
    let view = world.view(job.id).await;
    assert_eq!(view.held_by.as_deref(), Some(hold::OPERATOR), "nobody but an operator lets it go");
    ledger::cancel::cancel(&mut conn, tenant, job.id, true).await.unwrap();
    world.end(&job, 3, parked()).await;
    assert_eq!(world.state(job.id).await, "cancelled");
}

#[tokio::test]
async fn a_cancel_that_meets_a_run_which_is_over_already_ends_the_job() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (job, _) = world.tell(request(tenant)).await;
    // The outcome is written, the lease is not ended yet: Redis says that it runs.
    world.end(&job, 1, again()).await;
    assert_eq!(world.state(job.id).await, "scheduled");
    let mut conn = world.ledger.get().await.unwrap();
    let state = ledger::cancel::cancel(&mut conn, tenant, job.id, true).await.unwrap();
    assert_eq!(state.as_deref(), Some("cancelled"), "no run is left that would hear of it");
}

#[tokio::test]
async fn parked_jobs_of_a_kind_are_let_go_in_batches_when_no_pause_holds_them() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let jobs: Vec<NewJob> = (0..30).map(|_| request(tenant).into()).collect();
    world.tell_all(&jobs).await;
    for job in &jobs {
        world.end(job, 1, End::Held { by: hold::KIND_PAUSE.into(), reason: "paused by somebody".into() }).await;
    }
    assert_eq!((world.count("held").await, world.errors().await), (30, 0));
    let mut conn = world.ledger.get().await.unwrap();
    let scope = lanes::PauseScope::Kind("tests.work".into());
    ledger::controls::pause(&mut conn, "*", &scope, None, "why", "who").await.unwrap();
    world.keeper().sweep().await.unwrap();
    assert_eq!(world.count("held").await, 30);
    let place = &mut hold::Place::default();
    assert_eq!(hold::release_kind(&mut conn, QUEUE, "tests.work", 10, place).await.unwrap().len(), 10);
    ledger::controls::resume(&mut conn, "*", &scope).await.unwrap();
    world.keeper().sweep().await.unwrap();
    assert_eq!((world.count("held").await, world.count("waiting").await), (0, 30));
    assert!(hold::parked_by_pause(&mut conn).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_must_not_run_any_more_is_a_dead_letter_wherever_it_waits() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let past = || request(tenant).not_after(Some(Utc::now() - TimeDelta::seconds(1)));
    let (waits, _) = world.tell(past()).await;
    let (held, _) = world.tell(past().held("approval", "?")).await;
    let (later, _) = world.tell(past().run_at(Some(in_ms(60_000)))).await;
    let (in_time, _) = world.tell(request(tenant).not_after(Some(in_ms(60_000)))).await;
    let (runs, _) = world.tell(past()).await;
    world.lanes.push(QUEUE, &[Envelope::from(&runs)], world.window, Instant::now()).await.unwrap();
    let claimed = world.claim(1).await.remove(0);
    world.keeper().sweep().await.unwrap();
    for job in [&waits, &held, &later] {
        let view = world.view(job.id).await;
        assert_eq!((view.state.as_str(), view.error_class.as_deref()), ("dead", Some("permanent")));
        assert_eq!(view.attempts[0]["code"], "expired");
        assert!(view.last_error.unwrap().starts_with("expired: "));
    }
    assert_eq!(world.state(in_time.id).await, "waiting");
    assert_eq!(world.end(&runs, claimed.token, End::Succeeded(None)).await.jobs, [runs.id], "it had begun");
    let mut conn = world.ledger.get().await.unwrap();
    let redriven = ledger::dead::redrive(&mut conn, tenant, &[waits.id]).await.unwrap();
    assert_eq!((redriven[0].job.not_after, redriven[0].due), (None, true), "somebody wants it to run now");
    let redriven = ledger::dead::redrive(&mut conn, tenant, &[held.id]).await.unwrap();
    assert!(!redriven[0].due);
    world.keeper().sweep().await.unwrap();
    assert_eq!(world.state(waits.id).await, "waiting");
    let view = world.view(held.id).await;
    assert_eq!((view.state.as_str(), view.held_by.as_deref()), ("held", Some("approval")), "nobody has approved of it");
    assert!(world.claim(10).await.iter().all(|job| job.id != held.id));
}

/// An id of a day.
fn id_of(day: NaiveDate, n: u128) -> Uuid {
    let at = day.and_hms_opt(12, 0, 0).unwrap().and_utc();
    Uuid::from_u128((u128::try_from(at.timestamp_millis()).unwrap() << 80) | (7 << 76) | (2 << 62) | n)
}

#[tokio::test]
async fn days_that_hold_a_job_for_years_ahead_or_a_held_one_are_not_dropped() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let old = (Utc::now() - TimeDelta::days(40)).date_naive();
    let mut conn = world.ledger.get().await.unwrap();
    ledger::partitions::ensure(&mut conn, old, 3).await.unwrap();
    let make = |day, n| JobRequest::new(id_of(old + Days::new(day), n), tenant, Work { act: Act::Succeed });
    let (far, _) = world.tell(make(0, 1).run_at(Some(Utc::now() + TimeDelta::days(3_000)))).await;
    let (held, _) = world.tell(make(1, 2).held("approval", "?")).await;
    let (done, _) = world.tell(make(0, 3)).await;
    let (gone, _) = world.tell(make(2, 4)).await;
    for job in [&done, &gone] {
        world.end(job, 1, End::Succeeded(None)).await;
    }
    world.sql("UPDATE queue.jobs SET finished_at = now() - interval '2 days' WHERE finished_at IS NOT NULL").await;
    assert_eq!(ledger::partitions::drop_before(&mut conn, Utc::now().date_naive()).await.unwrap(), 1);
    assert_eq!((world.state(far.id).await, world.state(held.id).await), ("scheduled".into(), "held".into()));
    assert_eq!(world.rows_of("queue.jobs").await, 2, "of a day that stays the finished rows go");
}

#[tokio::test]
async fn a_job_that_ended_long_after_it_was_made_is_kept_from_its_end_on() {
    let world = World::new().await;
    let old = (Utc::now() - TimeDelta::days(45)).date_naive();
    let before = (Utc::now() - TimeDelta::days(30)).date_naive();
    let mut conn = world.ledger.get().await.unwrap();
    ledger::partitions::ensure(&mut conn, old, 2).await.unwrap();
    let make = |n| JobRequest::new(id_of(old, n), Uuid::now_v7(), Work { act: Act::Succeed });
    let (planned, _) = world.tell(make(1)).await;
    let (at_once, _) = world.tell(make(2)).await;
    for job in [&planned, &at_once] {
        world.end(job, 1, End::Succeeded(None)).await;
    }
    world.sql("UPDATE queue.jobs SET created_at = now() - interval '45 days'").await;
    let ended = |job: &NewJob, days: u32| {
        format!("UPDATE queue.jobs SET finished_at = now() - interval '{days} days' WHERE id = '{}'", job.id)
    };
    world.sql(&ended(&at_once, 45)).await;
    let dropped = ledger::partitions::drop_before(&mut conn, before).await.unwrap();
    assert_eq!((dropped, world.rows_of("queue.jobs").await), (1, 1), "the day after, and what ended on its own day");
    assert_eq!(world.state(planned.id).await, "succeeded");
    world.sql(&ended(&planned, 35)).await;
    let dropped = ledger::partitions::drop_before(&mut conn, before).await.unwrap();
    assert_eq!((dropped, world.rows_of("queue.jobs").await), (1, 0));
}
