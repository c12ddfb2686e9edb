//! Each tick enqueues once: with two tickers, with one that dies in between, with a clock that jumps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl as _;
use patchbay_db::testdb::TestDb;
use patchbay_queue::ledger::Inserted;
use patchbay_queue::{Job, Policy};
use patchbay_schedules::table::Entry;
use patchbay_schedules::ticker::{Taken, Ticker};
use patchbay_service::{Entropy as _, SystemEntropy, TestClock};
use serde::{Deserialize, Serialize};

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

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Last {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Timestamptz)]
    last_tick: DateTime<Utc>,
}

async fn jobs(db: &TestDb) -> i64 {
    let mut tx = db.db().system("a test").await.unwrap();
    let row: Count = diesel::sql_query("SELECT count(*) AS count FROM queue.jobs").get_result(&mut *tx).await.unwrap();
    row.count
}

async fn last_ticks(db: &TestDb) -> BTreeMap<String, DateTime<Utc>> {
    let mut tx = db.db().system("a test").await.unwrap();
    let rows: Vec<Last> =
        diesel::sql_query("SELECT name, last_tick FROM queue.schedules").load(&mut *tx).await.unwrap();
    rows.into_iter().map(|row| (row.name, row.last_tick)).collect()
}

fn start() -> DateTime<Utc> {
    "2026-03-01T12:00:00.5Z".parse().unwrap()
}

fn secondly() -> Entry {
    Entry::new::<Tock>("tock", "* * * * * *", Tz::UTC)
}

fn ticker(db: &TestDb, clock: &Arc<TestClock>, table: Vec<Entry>) -> Ticker {
    // Pools of its own, as another process has.
    Ticker::new(db.another(db.config()), clock.clone(), table)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tickers_of_which_one_keeps_dying_take_each_tick_once() {
    const TICKS: i64 = 250;
    let db = TestDb::new().await;
    let clock = Arc::new(TestClock::at(start()));
    let (steady, mortal) = (ticker(&db, &clock, vec![]), ticker(&db, &clock, vec![]));
    let entry = secondly();
    assert_eq!(steady.look(&entry, start()).await.unwrap(), None, "seen for the first time, it starts now");
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        mortal.look(&entry, start()).await.unwrap();
    }
    let usual = begun.elapsed() / 20;
    let (mut by_steady, mut by_mortal, mut deaths) = (0, 0, 0);
    for second in 1..=TICKS {
        let now = start() + TimeDelta::seconds(second);
        let (theirs, rule) = (mortal.clone(), entry.clone());
        let other = tokio::spawn(async move { theirs.look(&rule, now).await });
        // Dies at any instant of its transaction. The steady one comes before or after.
        let until_death = usual.mul_f64(SystemEntropy.unit() * 2.0);
        let ours = if second % 2 == 0 {
            tokio::join!(steady.look(&entry, now), tokio::time::sleep(until_death)).0
        } else {
            tokio::time::sleep(until_death).await;
            other.abort();
            steady.look(&entry, now).await
        };
        other.abort();
        by_steady += usize::from(ours.unwrap().is_some());
        match other.await {
            Ok(taken) => by_mortal += usize::from(taken.unwrap().is_some()),
            Err(_) => deaths += 1,
        }
        // Where one died holding the tick and the other passed over it, the next look takes it.
        while last_ticks(&db).await["tock"] < now - TimeDelta::milliseconds(500) {
            by_steady += usize::from(steady.look(&entry, now).await.unwrap().is_some());
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
    let tickers: Vec<_> = (0..2).map(|_| tokio::spawn(ticker(&db, &clock, table()).run(stop.clone()))).collect();
    let wait = async |name: &str, at: DateTime<Utc>| {
        for _ in 0..600 {
            if last_ticks(&db).await.get(name) == Some(&at) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{name} is not at {at}: {:?}", last_ticks(&db).await);
    };
    wait("hourly", start()).await;
    wait("tock", start()).await;
    for second in 1..=5 {
        clock.advance(TimeDelta::seconds(1));
        wait("tock", start() + TimeDelta::seconds(second) - TimeDelta::milliseconds(500)).await;
    }
    assert_eq!(jobs(&db).await, 5);
    // A suspended machine: what was missed is one tick of each.
    clock.advance(TimeDelta::hours(3));
    wait("hourly", "2026-03-01T15:00:00Z".parse().unwrap()).await;
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
    let ticker = ticker(&db, &clock, vec![]);
    let entry = Entry::new::<OneTock>("one", "* * * * * *", Tz::UTC);
    ticker.look(&entry, start()).await.unwrap();
    let first = ticker.look(&entry, start() + TimeDelta::seconds(1)).await.unwrap().unwrap();
    assert_eq!(first.job, Inserted::Waiting);
    let second = ticker.look(&entry, start() + TimeDelta::seconds(2)).await.unwrap().unwrap();
    assert!(matches!(second, Taken { name: "one", job: Inserted::Existing(_), .. }), "{second:?}");
    assert_eq!(jobs(&db).await, 1);
}

#[tokio::test]
async fn a_clock_that_is_set_back_takes_no_tick_again() {
    let db = TestDb::new().await;
    let clock = Arc::new(TestClock::at(start()));
    let ticker = ticker(&db, &clock, vec![]);
    let entry = secondly();
    ticker.look(&entry, start()).await.unwrap();
    for (second, takes) in [(10, true), (5, false), (10, false), (11, true)] {
        let taken = ticker.look(&entry, start() + TimeDelta::seconds(second)).await.unwrap();
        assert_eq!(taken.is_some(), takes, "second {second}");
    }
    assert_eq!(jobs(&db).await, 2);
}
