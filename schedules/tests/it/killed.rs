//! Two real schedulers, killed at random: each tick of a tenant makes one job, and soon.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Double, Timestamptz};
use diesel_async::RunQueryDsl as _;
use nix::sys::signal::Signal;
use patchbay_db::testdb::TestDb;
use patchbay_queue::schedule::CatchUp;
use patchbay_service::{Clock as _, Entropy as _, SystemClock, SystemEntropy};

use crate::program::{signal, start};
use crate::world::made_at;

#[derive(Debug, QueryableByName)]
struct Ticked {
    #[diesel(sql_type = Timestamptz)]
    tick: DateTime<Utc>,
    #[diesel(sql_type = Double)]
    late: f64,
}

/// The tick of each job, in order, with how long after it the job was made.
async fn ticks(db: &TestDb) -> Vec<Ticked> {
    let sql = "SELECT tick, extract(epoch FROM created_at - tick)::float8 AS late FROM (
                   SELECT (convert_from(payload, 'UTF8')::jsonb ->> 'tick')::timestamptz AS tick, created_at
                   FROM queue.jobs WHERE kind = 'schedules.run') made
               ORDER BY tick";
    let mut tx = db.db().system("a test").await.unwrap();
    diesel::sql_query(sql).load(&mut *tx).await.unwrap()
}

fn now() -> DateTime<Utc> {
    SystemClock.now()
}

#[tokio::test]
async fn each_second_makes_one_job_whichever_scheduler_is_killed_when() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    made_at(now(), &db, tenant, "* * * * * *", "UTC", CatchUp::All).await;
    let mut pair = [start(&db).await.0, start(&db).await.0];
    let mut round = 0;
    while ticks(&db).await.len() < 12 {
        round += 1;
        // At any instant of a second, the tick's included; now and then both.
        tokio::time::sleep(Duration::from_secs_f64(SystemEntropy.unit() * 1.2)).await;
        let victims = if round % 6 == 5 { 0..2 } else { round % 2..round % 2 + 1 };
        for victim in victims.clone() {
            signal(&pair[victim], Signal::SIGKILL);
        }
        for victim in victims {
            pair[victim].wait().await.unwrap();
            pair[victim] = start(&db).await.0;
        }
    }
    let killed_until = now();
    let mut made = ticks(&db).await;
    while made.last().is_none_or(|last| last.tick < killed_until) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        made = ticks(&db).await;
    }
    assert!(round > 5, "{round} kills");
    for pair in made.windows(2) {
        assert_eq!((pair[1].tick - pair[0].tick).num_milliseconds(), 1_000, "{pair:?}");
    }
}

#[tokio::test]
async fn a_tick_is_taken_within_a_second() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let (_scheduler, _) = start(&db).await;
    // Made while it runs, as people do.
    made_at(now(), &db, tenant, "* * * * * *", "UTC", CatchUp::All).await;
    let mut made = ticks(&db).await;
    while made.len() < 6 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        made = ticks(&db).await;
    }
    let mut late: Vec<f64> = made.iter().map(|one| one.late).collect();
    late.sort_by(f64::total_cmp);
    // Most of them, because the machine of a test may stop for a while.
    assert!(late[0] >= 0.0 && late[3] < 1.0, "{late:?}");
}
