//! Groups: their counts are true, their end is told once, all of them can be cancelled; also a large one.

use std::time::Duration;

use patchbay_queue::ledger::groups::{self, GroupView};
use patchbay_queue::ledger::settle::{End, settle};
use patchbay_queue::ledger::{self, Inserted, dead as dead_letters, dependencies};
use patchbay_queue::*;
use uuid::Uuid;

use crate::told::{attempt, dead, request, settlement};
use crate::world::{Act, Doer, Work, World};

async fn group(world: &World, tenant: Uuid, id: Uuid) -> GroupView {
    world.follow().await;
    let mut conn = world.ledger.get().await.unwrap();
    groups::get(&mut conn, tenant, id).await.unwrap().unwrap()
}

const fn counts(of: &GroupView) -> [i64; 6] {
    [of.total, of.succeeded, of.failed, of.cancelled, of.discarded, of.pending()]
}

#[tokio::test]
async fn every_end_is_counted_and_every_change_of_it() {
    let world = World::new().await;
    let (tenant, id) = (Uuid::now_v7(), Uuid::now_v7());
    let jobs: Vec<NewJob> = (0..6).map(|_| request(tenant).group(id).into()).collect();
    world.tell_all(&jobs).await;
    let mut conn = world.ledger.get().await.unwrap();
    groups::create(&mut conn, tenant, id, "six").await.unwrap();
    world.end(&jobs[0], 1, End::Succeeded(None)).await;
    world.end(&jobs[1], 1, End::Succeeded(Some(serde_json::json!(1)))).await;
    world.end(&jobs[2], 1, dead()).await;
    ledger::cancel::cancel(&mut conn, tenant, jobs[3].id, false).await.unwrap();
    let attempt = attempt("interruption");
    let again = End::Again { at: chrono::Utc::now(), errors: 0, crashes: 0, interruptions: 1, attempt, reason: None };
    world.end(&jobs[4], 1, again).await;
    let view = group(&world, tenant, id).await;
    assert_eq!((counts(&view), view.name.as_str()), ([6, 2, 1, 1, 0, 2], "six"));
    dead_letters::redrive(&mut conn, tenant, &[jobs[2].id]).await.unwrap();
    assert_eq!(counts(&group(&world, tenant, id).await), [6, 2, 0, 1, 0, 3]);
    world.end(&jobs[2], 2, dead()).await;
    dead_letters::discard(&mut conn, tenant, &[jobs[2].id]).await.unwrap();
    assert_eq!(counts(&group(&world, tenant, id).await), [6, 2, 0, 1, 1, 2]);
    // Late words and repeated ends count nothing.
    world.end(&jobs[0], 9, dead()).await;
    assert_eq!(counts(&group(&world, tenant, id).await), [6, 2, 0, 1, 1, 2]);
    let members = groups::members(&mut conn, tenant, id, Some("succeeded"), Uuid::max(), 10).await.unwrap();
    assert_eq!(members.iter().map(|job| job.id).collect::<Vec<_>>(), [jobs[1].id, jobs[0].id]);
    assert_eq!(groups::members(&mut conn, tenant, id, None, Uuid::max(), 4).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_group_ends_when_it_is_sealed_and_nothing_is_pending_and_its_completion_runs_once() {
    let world = World::new().await;
    let (tenant, id) = (Uuid::now_v7(), Uuid::now_v7());
    let jobs: Vec<NewJob> = (0..3).map(|_| request(tenant).group(id).into()).collect();
    world.tell_all(&jobs).await;
    let (all_well, outcome) = world.tell(request(tenant).after_group(id)).await;
    let (all_over, _) = world.tell(request(tenant).after_group_end(id)).await;
    assert_eq!(outcome, Inserted::Held);
    world.end(&jobs[0], 1, End::Succeeded(None)).await;
    world.end(&jobs[1], 1, End::Succeeded(None)).await;
    world.end(&jobs[2], 1, dead()).await;
    assert_eq!(group(&world, tenant, id).await.ended_at, None, "more members may come");
    let mut conn = world.ledger.get().await.unwrap();
    groups::seal(&mut conn, tenant, id).await.unwrap();
    assert!(group(&world, tenant, id).await.ended_at.is_some());
    assert_eq!(world.state(all_over.id).await, "waiting");
    assert_eq!(world.state(all_well.id).await, "held", "one failed");
    let on = dependencies::waits_on(&mut conn, tenant, all_well.id).await.unwrap().remove(0);
    assert_eq!((on.on_id, on.on_group, on.ended, on.failed), (id, true, true, 1));
    dead_letters::redrive(&mut conn, tenant, &[jobs[2].id]).await.unwrap();
    assert_eq!(group(&world, tenant, id).await.ended_at, None);
    world.end(&jobs[2], 2, End::Succeeded(None)).await;
    assert!(group(&world, tenant, id).await.ended_at.is_some());
    assert_eq!(world.state(all_well.id).await, "waiting");
    assert_eq!(world.tell(request(tenant).after_group(id)).await.1, Inserted::Waiting);
    assert!(world.follow().await.is_empty());
}

#[tokio::test]
async fn an_empty_group_ends_when_it_is_sealed() {
    let world = World::new().await;
    let (tenant, id) = (Uuid::now_v7(), Uuid::now_v7());
    let (then, _) = world.tell(request(tenant).after_group(id)).await;
    world.follow().await;
    assert_eq!(world.state(then.id).await, "held");
    let mut conn = world.ledger.get().await.unwrap();
    groups::seal(&mut conn, tenant, id).await.unwrap();
    assert_eq!(world.follow().await.len(), 1);
}

#[tokio::test]
async fn a_group_is_cancelled_out_of_redis_and_what_runs_is_asked_to_stop() {
    let world = World::new().await;
    let (tenant, id) = (Uuid::now_v7(), Uuid::now_v7());
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 2);
    let member = |act| -> NewJob { JobRequest::new(Uuid::now_v7(), tenant, Work { act }).group(id).into() };
    let jobs: Vec<NewJob> = (0..700).map(|_| member(Act::Sleep(20_000))).collect();
    world.enqueue(&jobs).await;
    while doer.now.load(std::sync::atomic::Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let _keeper = world.keep();
    let mut conn = world.ledger.get().await.unwrap();
    assert!(groups::request_cancel(&mut conn, tenant, id).await.unwrap());
    world.until_count("cancelled", 700).await;
    let ended = loop {
        let view = groups::get(&mut conn, tenant, id).await.unwrap().unwrap();
        if view.ended_at.is_some() {
            break view;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((counts(&ended), ended.sealed), ([700, 0, 0, 700, 0, 0], true));
    assert_eq!(doer.count(), 2, "nobody else began");
    worker.stop().await;
    let late = member(Act::Succeed);
    world.enqueue(std::slice::from_ref(&late)).await;
    world.until(late.id, &["cancelled"]).await;
}

#[tokio::test]
async fn groups_whose_last_members_run_on_keep_no_other_from_being_cancelled() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let mut conn = world.ledger.get().await.unwrap();
    for _ in 0..65 {
        let id = Uuid::now_v7();
        let (job, _) = world.tell(request(tenant).group(id)).await;
        assert!(groups::request_cancel(&mut conn, tenant, id).await.unwrap());
        ledger::cancel::cancel(&mut conn, tenant, job.id, true).await.unwrap();
    }
    let id = Uuid::now_v7();
    let (job, _) = world.tell(request(tenant).group(id)).await;
    assert!(groups::request_cancel(&mut conn, tenant, id).await.unwrap());
    let page = groups::doomed(&mut conn, 10).await.unwrap();
    assert_eq!(page.iter().map(|job| job.id).collect::<Vec<_>>(), [job.id]);
}

#[tokio::test]
async fn two_folds_at_once_count_once() {
    let world = World::new().await;
    let (tenant, id) = (Uuid::now_v7(), Uuid::now_v7());
    for _ in 0..50 {
        world.tell(request(tenant).group(id)).await;
    }
    let fold = || async {
        let mut conn = world.ledger.get().await.unwrap();
        while world.rows_of("queue.group_deltas").await > 0 {
            groups::fold(&mut conn, 7).await.unwrap();
        }
    };
    futures_util::future::join3(fold(), fold(), fold()).await;
    assert_eq!(counts(&group(&world, tenant, id).await), [50, 0, 0, 0, 0, 50]);
}

/// `GROUP_MEMBERS=1000000` for the measurement by hand.
#[tokio::test]
async fn a_large_group_is_counted_completed_and_cancelled_like_a_small_one() {
    let members: usize = std::env::var("GROUP_MEMBERS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let world = World::new().await;
    let (tenant, id) = (Uuid::now_v7(), Uuid::now_v7());
    let mut conn = world.ledger.get().await.unwrap();
    let mut jobs: Vec<(Uuid, Uuid)> = Vec::with_capacity(members);
    for chunk in 0..members.div_ceil(1_000) {
        let batch: Vec<NewJob> =
            (0..1_000.min(members - chunk * 1_000)).map(|_| request(tenant).group(id).into()).collect();
        ledger::insert(&mut conn, &batch).await.unwrap();
        jobs.extend(batch.iter().map(|job| (job.tenant_id, job.id)));
    }
    let (then, _) = world.tell(request(tenant).after_group(id)).await;
    groups::seal(&mut conn, tenant, id).await.unwrap();
    let deltas = world.rows_of("queue.group_deltas").await;
    assert!(
        deltas <= i64::try_from(members.div_ceil(1_000) + 1).unwrap(),
        "a delta a statement, not a member: {deltas}"
    );
    let half = members / 2;
    let [all, settled, rest] = [members, half, members - half].map(|n| i64::try_from(n).unwrap());
    let name: NewJob = request(tenant).into();
    for chunk in jobs[..half].chunks(1_000) {
        let ends: Vec<_> = chunk
            .iter()
            .map(|(_, id)| settlement(&NewJob { id: *id, ..name.clone() }, 1, End::Succeeded(None)))
            .collect();
        assert_eq!(settle(&mut conn, "w", &ends).await.unwrap().jobs.len(), chunk.len());
    }
    let view = group(&world, tenant, id).await;
    assert_eq!((view.total, view.succeeded), (all, settled));
    groups::request_cancel(&mut conn, tenant, id).await.unwrap();
    world.keeper().sweep().await.unwrap();
    let view = group(&world, tenant, id).await;
    assert_eq!((view.pending(), view.cancelled, view.ended_at.is_some()), (0, rest, true));
    assert_eq!(world.state(then.id).await, "waiting");
}
