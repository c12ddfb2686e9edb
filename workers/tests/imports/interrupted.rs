//! Runs that end at a bad moment: killed, cancelled, overtaken; and files larger than what may be held.

use async_trait::async_trait;
use patchbay_domain::imports::options::Options;
use patchbay_domain::imports::store::{self, CHUNK_BYTES};
use patchbay_domain::imports::{Counts, ImportState};
use patchbay_queue::Outcome;
use patchbay_workers::imports::leads::Watch;

use super::bench::{Bench, counts};

const LINES: &[(&str, &str)] = &[("Name", "first_name"), ("Mobile", "phone")];

fn people(n: usize) -> String {
    let mut text = String::from("Name,Mobile\n");
    for n in 0..n {
        // Every tenth is wrong, every hundredth there already.
        let phone = if n % 10 == 9 {
            "12".to_owned()
        } else {
            format!("+44791{:07}", 1_200_000 + n - usize::from(n % 100 == 98))
        };
        text.push_str(&format!("P{n},{phone}\n"));
    }
    text
}

/// Ends the run's future at a count of rows, as a kill would: nothing runs after it.
struct Killer {
    at: i32,
    killed: tokio::sync::Notify,
}

#[async_trait]
impl Watch for Killer {
    fn is_cancelled(&self) -> bool {
        false
    }

    async fn progress(&self, counts: Counts) {
        if counts.done >= self.at {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

#[tokio::test]
async fn a_run_killed_at_any_batch_is_continued_without_loss_or_double() {
    let text = people(13_000);
    let whole = Bench::new().await;
    let expected = counts(&whole.import(text.as_bytes(), LINES, Options::default()).await);
    let bench = Bench::new().await;
    let id = bench.upload(text.as_bytes(), 10_000).await;
    let job = bench.start(id, LINES, Options::default(), false).await;
    for at in [0, 1, 5_000, 9_000] {
        let killer = Killer { at, killed: tokio::sync::Notify::new() };
        let importer = bench.importer();
        tokio::select! {
            ran = importer.import(bench.tenant, job, id, &killer, None) => panic!("not killed: {ran:?}"),
            () = killer.killed.notified() => {}
        }
        let contacts = bench.count("SELECT count(*) AS n FROM contacts").await;
        assert_eq!(contacts, i64::from(bench.get(id).await.counts.created));
    }
    bench.run(id, job).await.unwrap();
    assert_eq!(counts(&bench.get(id).await), expected);
    assert_eq!(bench.count("SELECT count(*) AS n FROM contacts").await, i64::from(expected[1]));
    assert_eq!(bench.count("SELECT count(*) AS n FROM leads").await, i64::from(expected[1]));
    assert_eq!(bench.count("SELECT count(*) AS n FROM import_rows").await, i64::from(expected[3] + expected[4]));
}

#[tokio::test]
async fn a_run_that_repeats_a_finished_import_changes_nothing() {
    let bench = Bench::new().await;
    let id = bench.upload(people(50).as_bytes(), CHUNK_BYTES).await;
    let job = bench.start(id, LINES, Options::default(), false).await;
    let first = bench.run(id, job).await.unwrap();
    assert_eq!(bench.run(id, job).await.unwrap(), first);
    assert_eq!(bench.count("SELECT count(*) AS n FROM events WHERE type = 'import.completed'").await, 1);
}

/// Cancels the import itself after the first batch, as the API does.
struct Canceller<'b>(&'b Bench, patchbay_db::ids::ImportId);

#[async_trait]
impl Watch for Canceller<'_> {
    fn is_cancelled(&self) -> bool {
        false
    }

    async fn progress(&self, counts: Counts) {
        if counts.done > 0 {
            let mut tx = self.0.db().begin(self.0.tenant).await.unwrap();
            store::cancel(&mut tx, &self.0.cause(), self.1).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_cancelled_import_writes_no_further_batch_and_drops_its_file() {
    let bench = Bench::new().await;
    let id = bench.upload(people(13_000).as_bytes(), CHUNK_BYTES).await;
    let job = bench.start(id, LINES, Options::default(), false).await;
    let ran = bench.importer().import(bench.tenant, job, id, &Canceller(&bench, id), None).await.unwrap();
    assert_eq!(ran, Outcome::Cancelled);
    let import = bench.get(id).await;
    assert_eq!((import.state, import.counts.done), (ImportState::Cancelled, 2_000));
    assert_eq!(bench.count("SELECT count(*) AS n FROM import_chunks").await, 0);
}

#[tokio::test]
async fn a_job_that_was_cancelled_ends_the_import_between_two_batches() {
    let bench = Bench::new().await;
    let id = bench.upload(people(100).as_bytes(), CHUNK_BYTES).await;
    let job = bench.start(id, LINES, Options::default(), false).await;
    let watch = super::bench::Onlooker { cancel: true };
    let ran = bench.importer().import(bench.tenant, job, id, &watch, None).await.unwrap();
    assert_eq!(ran, Outcome::Cancelled);
    assert_eq!(bench.get(id).await.state, ImportState::Cancelled);
    assert_eq!(bench.count("SELECT count(*) AS n FROM contacts").await, 0);
}

#[tokio::test]
async fn another_tenant_sees_nothing_of_an_import() {
    let bench = Bench::new().await;
    let id = bench.upload(people(10).as_bytes(), CHUNK_BYTES).await;
    let other = bench.test.tenant().await;
    let mut tx = bench.db().begin(other).await.unwrap();
    assert!(matches!(store::get(&mut tx, id).await, Err(patchbay_db::DbError::NotFound)));
    assert!(store::read_chunk(&mut tx, id, 0).await.unwrap().is_none());
}

#[tokio::test]
async fn an_import_that_failed_goes_on_where_it_stopped_when_its_job_is_redriven() {
    let bench = Bench::new().await;
    let id = bench.upload(people(100).as_bytes(), CHUNK_BYTES).await;
    let job = bench.start(id, LINES, Options::default(), false).await;
    let mut tx = bench.db().begin(bench.tenant).await.unwrap();
    let ending = store::Ending::Failed("database_error".to_owned(), "a query failed".to_owned());
    store::finish(&mut tx, &bench.cause(), id, ending).await.unwrap();
    tx.commit().await.unwrap();
    bench.run(id, job).await.unwrap();
    let import = bench.get(id).await;
    assert_eq!((import.state, import.failure_code.as_deref()), (ImportState::Completed, None));
    assert_eq!(counts(&import), [100, 89, 0, 1, 10]);
}

#[tokio::test]
async fn the_sweep_ends_what_nobody_came_back_for() {
    let bench = Bench::new().await;
    let file = people(2);
    let broken = bench.upload(file.as_bytes(), CHUNK_BYTES).await;
    let orphan = bench.upload(file.as_bytes(), CHUNK_BYTES).await;
    let idle = bench.upload(file.as_bytes(), CHUNK_BYTES).await;
    let fresh = bench.upload(file.as_bytes(), CHUNK_BYTES).await;
    let job = bench.start(orphan, LINES, Options::default(), false).await;
    let uuid = |id: patchbay_db::ids::ImportId| patchbay_db::TypedId::uuid(id).to_string();
    let (old, job) = ("now() - interval '8 days'", patchbay_db::TypedId::uuid(job).to_string());
    bench
        .execute(&format!("UPDATE imports SET state = 'uploading', created_at = {old} WHERE id = '{}'", uuid(broken)))
        .await;
    bench.execute(&format!("UPDATE imports SET updated_at = {old} WHERE id = '{}'", uuid(idle))).await;
    bench.execute(&format!("UPDATE queue.jobs SET state = 'dead' WHERE id = '{job}'")).await;
    let mut tx = bench.db().system("a test of the sweep").await.unwrap();
    let swept = store::sweep(&mut tx, bench.now(), chrono::TimeDelta::days(7)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(swept, store::Swept { uploads: 1, orphans: 1, files: 1 });
    let mut seen = Vec::new();
    for id in [broken, orphan, idle, fresh] {
        seen.push(bench.get(id).await.state);
    }
    assert_eq!(seen, [ImportState::Failed, ImportState::Failed, ImportState::Cancelled, ImportState::Uploaded]);
    assert_eq!(bench.count("SELECT count(*) AS n FROM import_chunks").await, 3);
}

#[tokio::test]
async fn the_sweep_drops_the_rows_of_an_import_that_ended_long_ago() {
    let bench = Bench::new().await;
    let mut left = Vec::new();
    for age in ["8 days", "6 days"] {
        let id = bench.upload(people(10).as_bytes(), CHUNK_BYTES).await;
        let job = bench.start(id, LINES, Options::default(), false).await;
        bench.run(id, job).await.unwrap();
        let id = patchbay_db::TypedId::uuid(id);
        bench.execute(&format!("UPDATE imports SET finished_at = now() - interval '{age}' WHERE id = '{id}'")).await;
        left.push(format!("SELECT count(*) AS n FROM import_rows WHERE import_id = '{id}'"));
    }
    let young = bench.count(&left[1]).await;
    assert!(bench.count(&left[0]).await > 0 && young > 0);
    let mut tx = bench.db().system("a test of the sweep").await.unwrap();
    store::sweep(&mut tx, bench.now(), chrono::TimeDelta::days(7)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((bench.count(&left[0]).await, bench.count(&left[1]).await), (0, young));
}

/// nextest runs each test in a process of its own: the peak is this test's.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_large_file_is_never_held_in_memory() {
    let bench = Bench::new().await;
    // Made piece by piece: what the allocator keeps of a whole one would be in the peak.
    let filler = "z".repeat(60_000);
    let piece = |first: usize| {
        let rows = (first..first + 10).map(|n| format!("P,+44791112{n:04},{filler}\n"));
        let header = if first == 0 { "Name,Mobile,Filler\n" } else { "" };
        std::iter::once(header.to_owned()).chain(rows).collect::<String>().into_bytes()
    };
    let file = Bench::look_at(&piece(0)).unwrap();
    let id = bench.upload_pieces(&file, (0..1_600).step_by(10).map(piece)).await;
    let job = bench.start(id, LINES, Options::default(), false).await;
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    bench.run(id, job).await.unwrap();
    assert_eq!(counts(&bench.get(id).await), [1_600, 1_600, 0, 0, 0]);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kib: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kib < 100_000, "96 MB, peak {peak_kib} KiB");
}
