//! Every migration can be applied, taken back, and applied again, and leaves the same schema, grants included.

use std::process::Command;

use patchbay_db::migrate;

use crate::support::{EmptyDb, owner, texts};

/// The schema as text, with grants and policies; without the random tokens that newer pg_dumps put around it.
fn dump(url: &str) -> String {
    let out = Command::new("pg_dump")
        .args(["--schema-only", "--dbname", url])
        .output()
        .expect("pg_dump belongs to the PostgreSQL client programs and must be on PATH");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn each_migration_goes_up_down_and_up_to_the_same_schema() {
    let db = EmptyDb::new().await;
    let count = migrate::status(&db.url).await.unwrap().len();
    let mut before = dump(db.url());
    for _ in 0..count {
        let up = migrate::up_by(&db.url, 1).await.unwrap();
        let after = dump(db.url());
        assert_ne!(before, after, "{up:?} changes nothing");
        assert_eq!(migrate::down(&db.url, 1).await.unwrap(), up);
        assert_eq!(dump(db.url()), before, "down of {up:?} leaves something, or takes too much");
        assert_eq!(migrate::up_by(&db.url, 1).await.unwrap(), up);
        assert_eq!(dump(db.url()), after, "a second up of {up:?} differs");
        before = after;
    }
    assert!(before.contains("GRANT ") && before.contains("CREATE POLICY "), "the dump holds grants and policies");
}

#[tokio::test]
async fn all_the_way_down_leaves_an_empty_database_even_with_partitions_made() {
    let db = EmptyDb::new().await;
    let empty = dump(db.url());
    let applied = migrate::up(&db.url).await.unwrap();
    assert_eq!(migrate::down(&db.url, applied.len()).await.unwrap().len(), applied.len());
    assert_eq!(dump(db.url()), empty);
}

#[tokio::test]
async fn migrating_makes_the_ledgers_partitions_for_eight_days() {
    let db = EmptyDb::new().await;
    migrate::up(&db.url).await.unwrap();
    let days = "SELECT to_char(current_date + i, '\"jobs_\"YYYYMMDD') FROM generate_series(0, 7) i";
    let client = owner(db.url()).await;
    client.batch_execute("SET TIME ZONE 'UTC'").await.unwrap();
    let made = "SELECT relname::text FROM pg_inherits JOIN pg_class ON oid = inhrelid
        WHERE inhparent = 'queue.jobs'::regclass AND relname <> 'jobs_default' ORDER BY 1";
    assert_eq!(texts(&client, made).await, texts(&client, days).await);
}

#[tokio::test]
async fn many_migrators_at_once_apply_everything_once() {
    let db = EmptyDb::new().await;
    let runs = (0..4).map(|_| migrate::up(&db.url));
    let applied: Vec<String> = futures_util::future::try_join_all(runs).await.unwrap().concat();
    let known: Vec<String> = migrate::status(&db.url).await.unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(applied, known);
}

#[tokio::test]
async fn a_second_run_does_nothing() {
    let db = EmptyDb::new().await;
    migrate::up(&db.url).await.unwrap();
    assert!(migrate::up(&db.url).await.unwrap().is_empty());
    assert!(migrate::status(&db.url).await.unwrap().iter().all(|one| one.applied));
}
