//! What survives: crashes, lost pushes, an emptied Redis, late words.

use std::time::{Duration, Instant};

use patchbay_queue::lanes::{Renewed, Timeouts};
use patchbay_queue::ledger::crash::Begun;
use patchbay_queue::ledger::settle::{End, Settlement, settle};
use patchbay_queue::*;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::bare::{ALL, Q, envelope};
use crate::server::Server;
use crate::world::{Act, Doer, QUEUE, World, in_ms};

#[tokio::test]
async fn an_accepted_job_that_was_never_pushed_runs() {
    let world = World::new().await;
    let job = world.job(Uuid::now_v7(), Act::Succeed);
    world.accept(std::slice::from_ref(&job)).await;
    let worker = world.work(Doer::default().registry(), 2);
    world.keeper().sweep().await.unwrap();
    world.until(job.id, &["succeeded"]).await;
    worker.stop().await;
}

#[tokio::test]
async fn one_that_was_never_pushed_is_found_behind_many_that_run() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let jobs: Vec<NewJob> = (0..40).map(|_| world.job(tenant, Act::Succeed)).collect();
    world.enqueue(&jobs).await;
    let long = Duration::from_secs(600);
    assert_eq!(world.lanes.claim(QUEUE, 40, long, "by-hand").await.unwrap().jobs.len(), 40);
    let job = world.job(tenant, Act::Succeed);
    world.accept(std::slice::from_ref(&job)).await;
    world.keeper().sweep().await.unwrap();
    let found: Vec<Uuid> = world.claim(9).await.iter().map(|job| job.id).collect();
    assert_eq!(found, [job.id], "it does not wait for one of them to end");
}

#[tokio::test]
async fn pushing_twice_runs_once() {
    let world = World::new().await;
    let job = world.job(Uuid::now_v7(), Act::Succeed);
    world.enqueue(std::slice::from_ref(&job)).await;
    let again = [Envelope::from(&job)];
    assert_eq!(world.lanes.push(QUEUE, &again, world.window, Instant::now()).await.unwrap(), 0);
    assert_eq!(world.claim(9).await.len(), 1);
    assert_eq!(
        world.lanes.push(QUEUE, &again, world.window, Instant::now()).await.unwrap(),
        0,
        "running jobs are here too"
    );
    assert_eq!(world.claim(9).await.len(), 0);
}

#[tokio::test]
async fn a_keeper_that_begins_to_lead_ends_no_lease_before_the_living_could_renew_theirs() {
    let world = World::new().await;
    let id = world.enqueue_one(Act::Succeed).await;
    let run = world.claim(1).await.pop().unwrap();
    // Redis was away for longer than a lease, and so was whoever kept it.
    tokio::time::sleep(Duration::from_millis(250)).await;
    let settings = KeeperSettings { lease: Duration::from_secs(3), ..KeeperSettings::new("fresh") };
    let keeper = Keeper::new(world.lanes.clone(), world.ledger.clone(), settings);
    let stop = CancellationToken::new();
    let _until_the_end = stop.clone().drop_guard();
    tokio::spawn(keeper.run(stop));
    while world.lanes.known_queues().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let lane = LaneName { tenant: run.header.tenant, lane: run.header.lane.clone() };
    let held = world.lanes.renew(QUEUE, "by-hand", &[(id, run.token, lane)], Duration::from_secs(600)).await.unwrap();
    assert_eq!(held, [Renewed::Held]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(world.view(id).await.crashes, 0);
    assert_eq!(world.lanes.queue_stats(QUEUE).await.unwrap().running, 1);
}

#[tokio::test]
async fn a_redis_that_comes_to_a_claim_when_nobody_waits_any_more_takes_nothing() {
    let server = Server::start();
    let mut redis = server.connect().await;
    let timeouts = Timeouts { answer: Duration::from_millis(300), ..Timeouts::default() };
    let lanes = Lanes::connect_within(&server.url, "late", timeouts).unwrap();
    lanes.open(Q, false).await.unwrap();
    let lease = Duration::from_secs(60);
    // From here on Redis knows the script, and comes to it without asking back.
    assert!(lanes.claim(Q, 1, lease, "early").await.unwrap().jobs.is_empty());
    let job = envelope(Uuid::now_v7(), Uuid::now_v7(), "", 1, "k");
    lanes.push(Q, &[job], ALL, Instant::now()).await.unwrap();
    let () = redis::cmd("CLIENT").arg("PAUSE").arg(900).query_async(&mut redis).await.unwrap();
    assert!(lanes.claim(Q, 1, lease, "late").await.unwrap_err().is_timeout());
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let stats = lanes.queue_stats(Q).await.unwrap();
    assert_eq!((stats.running, stats.waiting), (0, 1));
    let again = lanes.claim(Q, 1, lease, "late").await.unwrap().jobs.len();
    assert_eq!(again + lanes.claim(Q, 1, lease, "late").await.unwrap().jobs.len(), 1, "it is there for the next");
}

/// Of the queues it is the first that is looked at.
#[tokio::test]
async fn a_queue_whose_keys_are_spoilt_keeps_no_other_queue_from_being_repaired() {
    let world = World::new().await;
    let spoilt = NewJob { queue: "a".into(), ..world.job(Uuid::now_v7(), Act::Succeed) };
    let key = world.key("meta").replace(&format!("{{{QUEUE}}}"), "{a}");
    let () = redis::cmd("SET").arg(&key).arg("a stranger's").query_async(&mut world.redis().await).await.unwrap();
    let unpushed = world.job(Uuid::now_v7(), Act::Succeed);
    let delayed = NewJob { run_at: Some(in_ms(1_500)), ..world.job(Uuid::now_v7(), Act::Succeed) };
    world.accept(&[spoilt.clone(), unpushed.clone(), delayed.clone()]).await;
    let _keeping = world.keep();
    let worker = world.work(Doer::default().registry(), 2);
    world.until(unpushed.id, &["succeeded"]).await;
    world.until(delayed.id, &["succeeded"]).await;
    worker.stop().await;

    let () = redis::cmd("DEL").arg(&key).query_async(&mut world.redis().await).await.unwrap();
    while world.lanes.claim("a", 1, Duration::from_secs(60), "by-hand").await.unwrap().jobs.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn jobs_of_a_vanished_worker_come_back_with_a_crash_counted() {
    let world = World::new().await;
    let id = world.enqueue_one(Act::Succeed).await;
    assert_eq!(world.claim(1).await.len(), 1);
    let _keeper = world.keep();
    let worker = world.work(Doer::default().registry(), 2);
    let view = world.until(id, &["succeeded"]).await;
    assert_eq!((view.crashes, view.errors), (1, 0));
    assert_eq!(view.attempts[0]["code"], "worker_lost");
    worker.stop().await;
}

#[tokio::test]
async fn a_job_that_brings_down_three_workers_is_dead() {
    let world = World::new().await;
    let id = world.enqueue_one(Act::Succeed).await;
    let _keeper = world.keep();
    for _ in 0..3 {
        begin(&world).await;
    }
    let view = world.until(id, &["dead"]).await;
    assert_eq!(view.crashes, 3);
    assert_eq!(world.claim(1).await.len(), 0);
}

/// Claims the job as soon as there is one, and begins its run, as a worker that will never come back.
async fn begin(world: &World) {
    let job = claimed(world).await;
    let mut conn = world.ledger.get().await.unwrap();
    let run = Begun { tenant: job.header.tenant, id: job.id, token: job.token, since: chrono::Utc::now() };
    ledger::crash::mark_running(&mut conn, "by-hand", &[run]).await.unwrap();
}

async fn claimed(world: &World) -> Envelope {
    loop {
        if let Some(job) = world.claim(1).await.pop() {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_job_is_suspect_after_a_crash_that_others_were_in() {
    let world = World::new().await;
    // A panic is caught: nobody else was in it.
    let panicked = world.job(Uuid::now_v7(), Act::Succeed);
    world.accept(std::slice::from_ref(&panicked)).await;
    let mut conn = world.ledger.get().await.unwrap();
    let as_told = "UPDATE queue.jobs SET crashes = 1, last_error = 'panicked: as told'";
    diesel_async::SimpleAsyncConnection::batch_execute(&mut *conn, as_told).await.unwrap();
    let _keeper = world.keep();
    let first = claimed(&world).await.header;
    assert!(first.crashes == 1 && !first.suspect);
    let again = claimed(&world).await.header;
    assert!(again.crashes == 2 && again.suspect, "its worker vanished");
}

#[tokio::test]
async fn a_job_that_ran_since_the_crash_and_did_no_harm_is_no_suspect() {
    let world = World::new().await;
    let job = world.job(Uuid::now_v7(), Act::Succeed);
    world.accept(std::slice::from_ref(&job)).await;
    let _keeper = world.keep();
    claimed(&world).await;
    let again = claimed(&world).await;
    assert!(again.header.suspect);
    let attempt = crate::told::attempt("throttled");
    let soon = End::Again { at: in_ms(0), errors: 0, crashes: 0, interruptions: 0, attempt, reason: None };
    world.end(&job, again.token, soon).await;
    world.lanes.ack(QUEUE, &[(job.id, again.token)]).await.unwrap();
    assert!(!claimed(&world).await.header.suspect);
}

#[tokio::test]
async fn a_last_chance_that_had_not_begun_is_not_counted() {
    let world = World::new().await;
    let id = world.enqueue_one(Act::Succeed).await;
    let _keeper = world.keep();
    for _ in 0..4 {
        claimed(&world).await;
    }
    let worker = world.work(Doer::default().registry(), 2);
    let view = world.until(id, &["succeeded"]).await;
    worker.stop().await;
    let counted = (view.crashes, view.interruptions);
    assert_eq!(counted, (2, 2), "its third and fourth worker were lost before it began alone");
}

#[tokio::test]
async fn the_begin_of_a_run_that_others_have_taken_over_is_not_noted() {
    let world = World::new().await;
    world.enqueue_one(Act::Succeed).await;
    let _keeper = world.keep();
    let old = claimed(&world).await;
    let new = claimed(&world).await;
    assert!(old.id == new.id && old.token < new.token);
    let mut conn = world.ledger.get().await.unwrap();
    for (job, noted) in [(old, 0), (new, 1)] {
        let begun = Begun { tenant: job.header.tenant, id: job.id, token: job.token, since: chrono::Utc::now() };
        assert_eq!(ledger::crash::mark_running(&mut conn, "by-hand", &[begun]).await.unwrap(), noted);
    }
}

#[tokio::test]
async fn what_is_never_alone_is_poison_after_five_falls_and_deploys_bring_it_no_nearer() {
    let world = World::new().await;
    let id = world.enqueue_one(Act::Succeed).await;
    let mut conn = world.ledger.get().await.unwrap();
    let deploys = r#"UPDATE queue.jobs SET interruptions = 30,
        attempts = '[{"class": "interruption", "code": "worker_stops", "times": 30}]'"#;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut *conn, deploys).await.unwrap();
    let _keeper = world.keep();
    for _ in 0..2 + 5 {
        claimed(&world).await;
    }
    assert_eq!(claimed(&world).await.header.crashes, 2, "it comes once more");
    let view = world.until(id, &["dead"]).await;
    assert_eq!((view.crashes, view.interruptions), (3, 30 + 5));
}

#[tokio::test]
async fn a_late_word_changes_nothing() {
    let world = World::new().await;
    let id = world.enqueue_one(Act::Succeed).await;
    let old = world.claim(1).await.remove(0);
    let _keeper = world.keep();
    let worker = world.work(Doer::default().registry(), 2);
    let before = world.until(id, &["succeeded"]).await;
    let late = Settlement {
        tenant: old.header.tenant,
        id,
        token: old.token,
        started_at: before.started_at.unwrap(),
        end: End::Cancelled,
        progress: None,
        generation: 0,
    };
    let mut conn = world.ledger.get().await.unwrap();
    assert!(settle(&mut conn, "late", &[late]).await.unwrap().jobs.is_empty());
    assert_eq!(world.lanes.ack(QUEUE, &[(id, old.token)]).await.unwrap(), 0);
    assert_eq!(world.view(id).await.revision, before.revision);
    worker.stop().await;
}

#[tokio::test]
async fn an_old_token_cannot_settle_a_job_that_runs_again() {
    let world = World::new().await;
    let id = world.enqueue_one(Act::Succeed).await;
    let old = world.claim(1).await.remove(0);
    tokio::time::sleep(Duration::from_millis(250)).await;
    world.keeper().sweep().await.unwrap();
    let new = world.claim(1).await.remove(0);
    assert!(new.id == id && new.token > old.token);
    let word = |token| Settlement {
        tenant: old.header.tenant,
        id,
        token,
        started_at: chrono::DateTime::UNIX_EPOCH,
        end: End::Succeeded(None),
        progress: None,
        generation: 0,
    };
    let mut conn = world.ledger.get().await.unwrap();
    assert!(settle(&mut conn, "old", &[word(old.token)]).await.unwrap().jobs.is_empty());
    assert_eq!(settle(&mut conn, "new", &[word(new.token)]).await.unwrap().jobs, [id]);
}

#[tokio::test]
async fn an_emptied_redis_under_load_loses_nothing() {
    let world = World::new().await;
    let _keeper = world.keep();
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 16);
    let tenants: Vec<Uuid> = (0..10).map(|_| Uuid::now_v7()).collect();
    for round in 0..20 {
        let jobs: Vec<NewJob> = tenants.iter().flat_map(|t| (0..10).map(|_| world.job(*t, Act::Sleep(2)))).collect();
        world.enqueue(&jobs).await;
        if round % 5 == 2 {
            world.lanes.forget(QUEUE).await.unwrap();
        }
    }
    world.until_count("succeeded", 2_000).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_queue_whose_forgetting_died_half_way_is_nobodys_until_a_keeper_ends_it() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let jobs: Vec<NewJob> = (0..20).map(|_| world.job(tenant, Act::Succeed)).collect();
    world.enqueue(&jobs).await;
    let not_after = Some(chrono::Utc::now() + Duration::from_millis(200));
    let in_vain = NewJob { not_after, ..world.job(tenant, Act::Succeed) };
    world.enqueue(std::slice::from_ref(&in_vain)).await;
    // As after its first steps: what is known of the jobs is there, and their lanes are not.
    let mut redis = world.redis().await;
    let () = redis::pipe()
        .hset(world.key("meta"), "anew", 1)
        .hdel(world.key("meta"), "open")
        .del(world.key(&format!("lane:{tenant}\n")))
        .query_async(&mut redis)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(250)).await;
    let refused = world.lanes.claim(QUEUE, 1, Duration::from_secs(9), "by-hand").await.unwrap_err();
    assert_eq!(refused.code(), Some("ANEW"));
    let _keeper = world.keep();
    let worker = world.work(Doer::default().registry(), 4);
    world.until_count("succeeded", 20).await;
    world.until(in_vain.id, &["dead"]).await;
    worker.stop().await;
}

#[tokio::test]
async fn what_was_cancelled_in_the_second_that_redis_lost_does_not_run() {
    let world = World::new().await;
    let jobs: Vec<NewJob> = (0..2_000).map(|_| world.job(Uuid::now_v7(), Act::Succeed)).collect();
    world.enqueue(&jobs).await;
    let mut conn = world.ledger.get().await.unwrap();
    let (cancelled, held) = (&jobs[700], &jobs[1_900]);
    ledger::cancel::cancel(&mut conn, cancelled.tenant_id, cancelled.id, false).await.unwrap();
    ledger::hold::hold(&mut conn, held.tenant_id, &[held.id], ledger::hold::OPERATOR, "wait").await.unwrap();
    let mut redis = world.redis().await;
    let () = redis::cmd("HSET").arg(world.key("meta")).arg("run").arg("another").query_async(&mut redis).await.unwrap();
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 32);
    let _keeper = world.keep();
    world.until_count("succeeded", 1_998).await;
    worker.stop().await;
    assert_eq!(doer.count(), 1_998);
    assert_eq!(world.lanes.queue_stats(QUEUE).await.unwrap().waiting, 0);
}
