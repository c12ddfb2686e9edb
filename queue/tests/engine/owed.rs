//! Who is gone from the turn only because the rest of its backlog had yet to come from the ledger gets what it missed.

use std::time::Instant;

use patchbay_queue::*;
use uuid::Uuid;

use crate::bare::{ALL, Bare, Q, envelope, key};

/// Claims `jobs` one at a time; counts those of `of`.
async fn served(bare: &Bare, of: Uuid, jobs: usize) -> usize {
    let mut its = 0;
    for _ in 0..jobs {
        let job = bare.take(1).await.pop().expect("enough wait");
        bare.ack(std::slice::from_ref(&job)).await;
        its += usize::from(job.header.tenant == of);
    }
    its
}

/// More of a backlog comes from the ledger.
async fn refill(bare: &Bare, tenant: Uuid, jobs: usize) {
    let jobs: Vec<Envelope> = (0..jobs).map(|_| envelope(Uuid::now_v7(), tenant, "", 1, "k")).collect();
    assert_eq!(bare.lanes.refill(Q, &jobs, ALL, Instant::now()).await.unwrap(), jobs.len());
}

/// One that ran dry after 40 jobs, while another was served 100.
async fn behind(bare: &Bare, marked: bool) -> Uuid {
    let (dry, other) = (Uuid::now_v7(), Uuid::now_v7());
    bare.fill(dry, "", 40).await;
    bare.fill(other, "", 600).await;
    if marked {
        bare.lanes.mark_full(Q, &[key(dry, "")]).await.unwrap();
    }
    assert_eq!(served(bare, dry, 140).await, 40);
    dry
}

#[tokio::test]
async fn who_ran_dry_is_served_twice_as_fast_until_it_has_caught_up() {
    let bare = Bare::new().await;
    let dry = behind(&bare, true).await;
    refill(&bare, dry, 300).await;
    let caught_up = served(&bare, dry, 180).await;
    assert!((119..=121).contains(&caught_up), "{caught_up} of 180, where 60 are owed");
    let then = served(&bare, dry, 100).await;
    assert!((49..=51).contains(&then), "{then} of 100, where nothing is owed any more");
}

#[tokio::test]
async fn a_newcomer_does_not_wait_for_those_who_are_owed_something() {
    let bare = Bare::new().await;
    let dry = behind(&bare, true).await;
    refill(&bare, dry, 300).await;
    served(&bare, dry, 20).await;
    let newcomer = Uuid::now_v7();
    bare.fill(newcomer, "", 1).await;
    assert_eq!(served(&bare, newcomer, 4).await, 1);
}

#[tokio::test]
async fn who_had_nothing_more_is_owed_nothing() {
    let bare = Bare::new().await;
    let idle = behind(&bare, false).await;
    bare.fill(idle, "", 300).await;
    let then = served(&bare, idle, 100).await;
    assert!((49..=51).contains(&then), "{then} of 100");
}

#[tokio::test]
async fn who_ran_dry_and_then_had_nothing_more_is_owed_nothing() {
    let bare = Bare::new().await;
    let dry = behind(&bare, true).await;
    bare.lanes.unmark_full(Q, &[key(dry, "")]).await.unwrap();
    bare.fill(dry, "", 300).await;
    let then = served(&bare, dry, 100).await;
    assert!((49..=51).contains(&then), "{then} of 100");
}

#[tokio::test]
async fn what_is_owed_is_forgotten_where_the_last_part_was_worked_off_before_that_was_known() {
    let bare = Bare::new().await;
    let dry = behind(&bare, true).await;
    refill(&bare, dry, 10).await;
    assert_eq!(served(&bare, dry, 100).await, 10);
    bare.lanes.unmark_full(Q, &[key(dry, "")]).await.unwrap();
    bare.fill(dry, "", 300).await;
    let then = served(&bare, dry, 100).await;
    assert!((49..=51).contains(&then), "{then} of 100");
}

#[tokio::test]
async fn what_is_owed_is_forgotten_once_the_backlog_is_worked_off() {
    let bare = Bare::new().await;
    let dry = behind(&bare, true).await;
    refill(&bare, dry, 10).await;
    bare.lanes.unmark_full(Q, &[key(dry, "")]).await.unwrap();
    assert_eq!(served(&bare, dry, 100).await, 10);
    let mut redis = bare.redis().await;
    let left: u8 =
        redis::cmd("EXISTS").arg(bare.key("owed")).arg(bare.key("away")).query_async(&mut redis).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn not_more_is_owed_than_a_thousand_jobs() {
    let bare = Bare::new().await;
    let (dry, other) = (Uuid::now_v7(), Uuid::now_v7());
    bare.fill(dry, "", 1).await;
    bare.fill(other, "", 5_000).await;
    bare.lanes.mark_full(Q, &[key(dry, "")]).await.unwrap();
    for _ in 0..20 {
        let jobs = bare.take(100).await;
        bare.ack(&jobs).await;
    }
    refill(&bare, dry, 3_500).await;
    let (mut its, mut all) = (0, 0);
    while all < 4_000 {
        let jobs = bare.take(100).await;
        bare.ack(&jobs).await;
        its += jobs.iter().filter(|job| job.header.tenant == dry).count();
        all += jobs.len();
    }
    // Two of three of the first 3,000, and then every other one.
    assert!((2_450..=2_550).contains(&its), "{its} of 4,000");
}
