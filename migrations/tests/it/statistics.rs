//! A table that grew is analysed; one that changed a little is not.

use std::time::Duration;

use patchbay_db::testdb::TestDb;

use crate::support::owner;

async fn analyzed(db: &TestDb) -> Vec<String> {
    let mut tx = db.db().system("tests: statistics").await.unwrap();
    let tables = tx.analyze_grown().await.unwrap();
    tx.commit().await.unwrap();
    tables
}

async fn add_keys(db: &TestDb, rows: usize) {
    let insert = format!(
        "INSERT INTO queue.unique_keys SELECT gen_random_uuid(), 'a', 'b', gen_random_uuid() FROM generate_series(1, {rows})"
    );
    owner(db.url()).await.batch_execute(&insert).await.unwrap();
}

/// Waits until the server has counted `rows` changes: it does so a moment after the connection that wrote is gone.
async fn counted(db: &TestDb, rows: i64) {
    let changes = "SELECT n_mod_since_analyze FROM pg_stat_user_tables WHERE relname = 'unique_keys'";
    for _ in 0..400 {
        let now: i64 = owner(db.url()).await.query_one(changes, &[]).await.unwrap().get(0);
        if now == rows {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the server does not count {rows} changes");
}

#[tokio::test]
async fn a_table_that_grew_is_analysed_once() {
    let db = TestDb::new().await;
    add_keys(&db, 501).await;
    counted(&db, 501).await;
    assert_eq!(analyzed(&db).await, ["queue.unique_keys"]);
    add_keys(&db, 50).await;
    counted(&db, 50).await;
    assert!(analyzed(&db).await.is_empty());
}
