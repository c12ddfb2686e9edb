//! Opening hours that the keeper turns the pages of: Redis knows one opening, the next is written when it is over.

use chrono::{NaiveTime, TimeDelta};
use patchbay_queue::lanes::{Hours, Limit, Opening};
use patchbay_queue::ledger::controls;
use patchbay_queue::*;
use tokio::time::{Duration, sleep};
use uuid::Uuid;

use crate::bare::key;
use crate::world::{Act, Doer, QUEUE, Work, World};

/// Every day, so that a test may run at midnight.
fn daily(opens: NaiveTime, closes: NaiveTime) -> Opening {
    use chrono::Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    Opening { days: vec![Mon, Tue, Wed, Thu, Fri, Sat, Sun], opens, closes }
}

#[tokio::test]
async fn jobs_run_in_the_first_opening_and_in_the_one_that_the_keeper_writes_after_it() {
    let world = World::new().await;
    let _keeper = world.keep();
    let tenant = Uuid::now_v7();
    let now = world.lanes.time(QUEUE).await.unwrap();
    let [opens, closes, opens_again, closes_again] =
        [1_500, 3_000, 4_500, 9_000].map(|ms| now + TimeDelta::milliseconds(ms));
    let openings = vec![daily(opens.time(), closes.time()), daily(opens_again.time(), closes_again.time())];
    let hours = Hours { zone: chrono_tz::Tz::UTC, openings };
    let limit = Limit { hours: Some(hours), ..Limit::new(key(tenant, "pa")) };
    let mut conn = world.ledger.get().await.unwrap();
    controls::set_limit(&mut conn, QUEUE, &limit).await.unwrap();
    // In force at once, as by the API.
    world.lanes.set_limits(QUEUE, &[limit]).await.unwrap();
    let worker = world.work(Doer::default().registry(), 1);
    let job = || JobRequest::new(Uuid::now_v7(), tenant, Work { act: Act::Succeed }).lane("pa").into();

    let first: NewJob = job();
    world.enqueue(std::slice::from_ref(&first)).await;
    let began = world.until(first.id, &["succeeded"]).await.started_at.unwrap();
    assert!((opens..closes).contains(&began), "{began} is not from {opens} to {closes}");

    while world.lanes.time(QUEUE).await.unwrap() < closes {
        sleep(Duration::from_millis(10)).await;
    }
    let second: NewJob = job();
    world.enqueue(std::slice::from_ref(&second)).await;
    let began = world.until(second.id, &["succeeded"]).await.started_at.unwrap();
    assert!((opens_again..closes_again).contains(&began), "{began} is not from {opens_again} to {closes_again}");
    worker.stop().await;
}
