//! The real program: two run, one is killed, the ticks go on; a signal ends it; a bad start says everything.

use std::process::Stdio;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use patchbay_db::testdb::TestDb;
use patchbay_service::http::install_tls;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay-scheduler"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Starts it with ticks every second; answers it and where it listens.
pub async fn start(db: &TestDb) -> (Child, String) {
    let mut child = command()
        .env("DATABASE_URL", db.url())
        .env("REDIS_URL", std::env::var("REDIS_URL").unwrap())
        .env("PATCHBAY__REDIS__NAMESPACE", db.namespace())
        .env("PATCHBAY__SCHEDULER__LISTEN", "127.0.0.1:0")
        .env("PATCHBAY__SCHEDULER__RECONCILE_EVERY", "1s")
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let listen = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            if line["message"] == "at work" {
                return format!("http://{}", line["listen"].as_str().unwrap());
            }
        }
        panic!("it ended");
    };
    let url = tokio::time::timeout(Duration::from_secs(20), listen).await.unwrap();
    // Nobody reads on: it must not be held up by a full pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, url)
}

pub fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().unwrap().try_into().unwrap()), signal).unwrap();
}

async fn get(url: &str) -> (u16, String) {
    install_tls();
    let answer = reqwest::Client::builder().build().unwrap().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Waits for a line of the metrics.
async fn measures(url: &str, line: &str) {
    let mut metrics = String::new();
    for _ in 0..400 {
        metrics = get(&format!("{url}/metrics")).await.1;
        if metrics.contains(line) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{line} is not in:\n{metrics}");
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The second of the last tick of `reconcile`, 0 before the schedule is known.
async fn last_tick(db: &TestDb) -> i64 {
    const LAST: &str = "SELECT coalesce(max(extract(epoch FROM last_tick)), 0)::bigint AS count FROM queue.schedules
                        WHERE name = 'reconcile'";
    let mut tx = db.db().system("a test").await.unwrap();
    diesel::sql_query(LAST).get_result::<Count>(&mut *tx).await.unwrap().count
}

async fn ticks_past(db: &TestDb, second: i64) -> i64 {
    for _ in 0..800 {
        let last = last_tick(db).await;
        if last > second {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no tick after {second}");
}

#[tokio::test]
async fn the_ticks_go_on_when_one_of_two_is_killed_and_a_signal_ends_the_other() {
    let db = TestDb::new().await;
    let (mut one, _) = start(&db).await;
    let (mut two, url) = start(&db).await;
    let known = ticks_past(&db, 0).await;
    let before = ticks_past(&db, known + 1).await;
    signal(&one, Signal::SIGKILL);
    one.wait().await.unwrap();
    ticks_past(&db, before + 2).await;

    let (status, ready) = get(&format!("{url}/readyz")).await;
    assert_eq!(status, 200, "{ready}");
    for line in [
        "patchbay_schedule_ticks_total{schedule=\"reconcile\",outcome=\"still_running\"}",
        "patchbay_schedule_lateness_seconds_bucket{schedule=\"reconcile\"",
        // Measured by the keeper, which is the killed one's successor once its lock has run out.
        "queue_ready{queue=\"maintenance\"}",
        "queue_oldest_age_seconds{queue=\"maintenance\"}",
    ] {
        measures(&url, line).await;
    }
    signal(&two, Signal::SIGTERM);
    let ended = tokio::time::timeout(Duration::from_secs(10), two.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(0));
}

/// A job of `sends` that nobody pushes and nobody works on.
async fn waiting_job(db: &TestDb) {
    let job = "INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, payload, run_at, max_attempts)
               VALUES (gen_random_uuid(), queue.uuid_floor(now()), 'sends', 'k', 1, '', now(), 1)";
    let mut tx = db.db().system("a test").await.unwrap();
    diesel::sql_query(job).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn only_the_one_that_leads_tells_how_a_queue_stands() {
    let db = TestDb::new().await;
    waiting_job(&db).await;
    let (one, first) = start(&db).await;
    measures(&first, "queue_ready{queue=\"sends\"} 1").await;
    measures(&first, "queue_backlog{queue=\"sends\"} 1").await;
    signal(&one, Signal::SIGSTOP);
    let (_two, second) = start(&db).await;
    measures(&second, "queue_ready{queue=\"sends\"} 1").await;
    signal(&one, Signal::SIGCONT);
    measures(&first, "queue_ready{queue=\"sends\"} 0").await;
}

#[tokio::test]
async fn what_a_queue_has_set_aside_is_measured() {
    let db = TestDb::new().await;
    waiting_job(&db).await;
    let aside = "INSERT INTO queue.jobs
                     (tenant_id, id, queue, kind, version, payload, run_at, max_attempts, state, held_by)
                 SELECT gen_random_uuid(), gen_random_uuid(), 'sends', 'k', 1, '', now() + interval '1 hour', 1, state, who
                 FROM (VALUES ('scheduled', NULL), ('held', 'version'), ('dead', NULL)) AS aside (state, who)";
    let mut tx = db.db().system("a test").await.unwrap();
    diesel::sql_query(aside).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let (_one, url) = start(&db).await;
    for name in ["queue_scheduled", "queue_held", "queue_dead"] {
        measures(&url, &format!("{name}{{queue=\"sends\"}} 1")).await;
    }
}

#[tokio::test]
async fn repair_puts_a_job_into_its_lane_that_nobody_pushed() {
    let db = TestDb::new().await;
    waiting_job(&db).await;
    let lanes = db.db().dispatcher().lanes();
    assert_eq!(lanes.queue_stats("sends").await.unwrap().waiting, 0);
    let (_scheduler, _) = start(&db).await;
    for _ in 0..800 {
        if lanes.queue_stats("sends").await.unwrap().waiting == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the job is not in its lane");
}

#[tokio::test]
async fn a_bad_start_names_every_problem_and_ends_with_2() {
    let output = command().env("PATCHBAY__SCHEDULER__RETENTION_EVERY", "never").output().await.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    for part in ["database.url", "redis.url", "scheduler.retention_every"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}
