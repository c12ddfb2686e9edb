//! Each tick enqueues once: with two tickers, with one that dies in between, with a clock that jumps.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use patchbay_db::testdb::TestDb;
use patchbay_queue::ledger::Inserted;
use patchbay_queue::{Job, Policy};
use patchbay_schedules::table::Entry;
use patchbay_service::{Entropy as _, SystemEntropy, TestClock};
use serde::{Deserialize, Serialize};

use crate::world::{at, jobs, last_ticks, start, ticker};

/// Not unique: a tick that was taken twice shows as two jobs.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Tock {}

impl Job for Tock {
    const KIND: &'static str = "tests.tock";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = "tests";
    const POLICY: Policy = Policy::DEFAULT;
}

/// Unique: a tick finds the job of an earlier one alive.
#[derive(Debug, Default, Serialize, Deserialize)]
struct OneTock {}

impl Job for OneTock {
    const KIND: &'static str = "tests.one_tock";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = "tests";
    const POLICY: Policy = Policy::DEFAULT;

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

fn secondly() -> Entry {
    Entry::new::<Tock>("tock", "* * * * * *", Tz::UTC)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tickers_of_which_one_keeps_dying_take_each_tick_once() {
    const TICKS: i64 = 250;
    let db = TestDb::new().await;
    let clock = Arc::new(TestClock::at(start()));
    let steady = ticker(&db, &clock, vec![secondly()]).await;
    let mortal = ticker(&db, &clock, vec![secondly()]).await;
    assert_eq!(steady.look().await.unwrap().taken, [], "seen for the first time, it starts now");
    // What a look that takes a tick takes, here and now.
    let mut usual = Duration::from_millis(2);
    let (mut by_steady, mut by_mortal, mut deaths) = (0, 0, 0);
    for second in 1..=TICKS {
        clock.set(start() + TimeDelta::seconds(second));
        let theirs = mortal.clone();
        let other = tokio::spawn(async move { theirs.look().await });
        // Dies at any instant of its transaction. The steady one comes before or after.
        let until_death = usual.mul_f64(SystemEntropy.unit() * 2.0);
        let ours = if second % 2 == 0 {
            tokio::join!(steady.look(), tokio::time::sleep(until_death)).0
        } else {
            tokio::time::sleep(until_death).await;
            other.abort();
            let begun = std::time::Instant::now();
            let ours = steady.look().await;
            usual = (usual * 7 + begun.elapsed()) / 8;
            ours
        };
        other.abort();
        by_steady += ours.unwrap().taken.len();
        match other.await {
            Ok(looked) => by_mortal += looked.unwrap().taken.len(),
            Err(_) => deaths += 1,
        }
        // Where one died holding the tick and the other passed over it, the next look takes it.
        let tick = start() + TimeDelta::seconds(second) - TimeDelta::milliseconds(500);
        while last_ticks(&db).await.get("tock") != Some(&tick) {
            by_steady += steady.look().await.unwrap().taken.len();
        }
    }
    assert_eq!(jobs(&db).await, TICKS, "steady {by_steady}, mortal {by_mortal}, deaths {deaths}");
    assert!(by_steady > 0 && by_mortal > 0 && deaths > 0, "steady {by_steady}, mortal {by_mortal}, deaths {deaths}");
}

#[tokio::test]
async fn two_tickers_at_work_take_what_is_due_once_each() {
    let db = TestDb::new().await;
    let clock = Arc::new(TestClock::at(start()));
    let table = || vec![secondly(), Entry::new::<Tock>("hourly", "0 0 * * * *", Tz::UTC)];
    let stop = tokio_util::sync::CancellationToken::new();
    let mut tickers = Vec::new();
    for _ in 0..2 {
        tickers.push(tokio::spawn(ticker(&db, &clock, table()).await.run(stop.clone())));
    }
    let wait = async |name: &str, at: DateTime<Utc>| {
        for _ in 0..600 {
            if last_ticks(&db).await.get(name) == Some(&at) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{name} is not at {at}: {:?}", last_ticks(&db).await);
    };
    for second in 1..=5 {
        clock.advance(TimeDelta::seconds(1));
        wait("tock", start() + TimeDelta::seconds(second) - TimeDelta::milliseconds(500)).await;
    }
    assert_eq!(jobs(&db).await, 5);
    // A suspended machine: what was missed is one tick of each.
    clock.advance(TimeDelta::hours(3));
    wait("hourly", at("2026-03-01T15:00:00Z")).await;
    wait("tock", start() + TimeDelta::hours(3) + TimeDelta::milliseconds(4_500)).await;
    assert_eq!(jobs(&db).await, 7);
    stop.cancel();
    for ticker in tickers {
        ticker.await.unwrap();
    }
}

#[tokio::test]
async fn a_tick_finds_its_unique_job_alive_and_does_not_double_it() {
    let db = TestDb::new().await;
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![Entry::new::<OneTock>("one", "* * * * * *", Tz::UTC)]).await;
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(ticker.look().await.unwrap().taken[0].job, Inserted::Waiting);
    clock.advance(TimeDelta::seconds(1));
    let second = ticker.look().await.unwrap().taken.remove(0);
    assert!(second.name == "one" && matches!(second.job, Inserted::Existing(_)), "{second:?}");
    assert_eq!(jobs(&db).await, 1);
}

#[tokio::test]
async fn a_clock_that_is_set_back_takes_no_tick_again() {
    let db = TestDb::new().await;
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![secondly()]).await;
    for (second, takes) in [(10, 1), (5, 0), (10, 0), (11, 1)] {
        clock.set(start() + TimeDelta::seconds(second));
        assert_eq!(ticker.look().await.unwrap().taken.len(), takes, "second {second}");
    }
    assert_eq!(jobs(&db).await, 2);
}
