//! Jobs that are enqueued one at a time share their commits, and nobody hears of another's fault.

use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl as _;
use futures_util::future::join_all;
use patchbay_queue::ledger::Inserted;
use patchbay_queue::*;
use uuid::Uuid;

use crate::relay::{Line, Relay};
use crate::world::{Act, Doer, World};

fn enqueuer(world: &World) -> Enqueuer {
    Enqueuer::new(world.ledger.clone(), Dispatcher::start(world.lanes.clone(), world.window))
}

fn jobs(world: &World, count: usize) -> Vec<NewJob> {
    (0..count).map(|_| world.job(Uuid::now_v7(), Act::Succeed)).collect()
}

#[derive(diesel::QueryableByName)]
struct Commits {
    #[diesel(sql_type = BigInt)]
    commits: i64,
}

#[tokio::test]
async fn many_callers_share_a_commit_and_their_jobs_run() {
    let world = World::new().await;
    let enqueuer = enqueuer(&world);
    let jobs = jobs(&world, 300);
    let accepted = join_all(jobs.iter().map(|job| enqueuer.enqueue(job.clone()))).await;
    assert!(accepted.iter().all(|answer| matches!(answer, Ok(Inserted::Waiting))), "{accepted:?}");
    let mut conn = world.ledger.get().await.unwrap();
    let sql = "SELECT count(DISTINCT xmin::text) AS commits FROM queue.jobs";
    let shared: Commits = diesel::sql_query(sql).get_result(&mut conn).await.unwrap();
    assert!(shared.commits < 30, "{} commits of 300 jobs", shared.commits);
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 32);
    world.until_count("succeeded", 300).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_caller_hears_only_of_its_own_job() {
    let world = World::new().await;
    let enqueuer = enqueuer(&world);
    let taken = world.job(Uuid::now_v7(), Act::Succeed);
    assert_eq!(enqueuer.enqueue(taken.clone()).await.unwrap(), Inserted::Waiting);
    let mut set = jobs(&world, 40);
    set[7] = taken;
    set[23].payload = vec![b'x'; job::PAYLOAD_MAX + 1];
    set[31].subject = Some("no text of PostgreSQL's: \0".into());
    set[39].run_at = Some(chrono::Utc::now() + chrono::TimeDelta::days(900));
    let answers = join_all(set.iter().map(|job| enqueuer.enqueue(job.clone()))).await;
    for (nth, answer) in answers.iter().enumerate() {
        match nth {
            7 | 23 => assert!(matches!(answer, Err(EnqueueError::Refused(_))), "{nth}: {answer:?}"),
            31 => assert!(matches!(answer, Err(EnqueueError::Failed(_))), "{nth}: {answer:?}"),
            39 => assert!(matches!(answer, Ok(Inserted::Scheduled)), "{nth}: {answer:?}"),
            _ => assert!(matches!(answer, Ok(Inserted::Waiting)), "{nth}: {answer:?}"),
        }
    }
}

#[tokio::test]
async fn unique_jobs_of_one_commit_are_one_job() {
    let world = World::new().await;
    let enqueuer = enqueuer(&world);
    let tenant = Uuid::now_v7();
    let unique = || {
        let job = JobRequest::new(Uuid::now_v7(), tenant, crate::world::Work { act: Act::Succeed });
        enqueuer.enqueue(job.unique("key").into())
    };
    let answers = join_all((0..20).map(|_| unique())).await;
    let is_new = |answer: &&Result<Inserted, EnqueueError>| matches!(answer, Ok(Inserted::Waiting));
    assert_eq!(answers.iter().filter(is_new).count(), 1, "{answers:?}");
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[tokio::test]
async fn a_lost_connection_is_told_as_it_is_and_the_next_call_works() {
    let world = World::new().await;
    let (relay, ledger) = Relay::to(world.url()).await;
    let enqueuer = enqueuer(&world.behind(&ledger, &std::env::var("REDIS_URL").unwrap()));
    let job = world.job(Uuid::now_v7(), Act::Succeed);
    assert!(enqueuer.enqueue(job.clone()).await.is_ok());
    relay.set(Line::Down);
    let lost = enqueuer.enqueue(world.job(Uuid::now_v7(), Act::Succeed)).await;
    assert!(matches!(lost, Err(EnqueueError::Unknown(_) | EnqueueError::Failed(_))), "{lost:?}");
    relay.set(Line::Up);
    assert!(matches!(enqueuer.enqueue(job).await, Err(EnqueueError::Refused(_))), "it was accepted before");
    assert!(enqueuer.enqueue(world.job(Uuid::now_v7(), Act::Succeed)).await.is_ok());
}
