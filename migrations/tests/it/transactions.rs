//! How a transaction begins, ends, and is abandoned.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{Integer, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use patchbay_db::ids::TenantId;
use patchbay_db::testdb::TestDb;
use patchbay_db::{Db, DbError};

use crate::support::{owner, texts};

#[derive(QueryableByName)]
struct Pid {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

async fn pid(conn: &mut diesel_async::AsyncPgConnection) -> i32 {
    let row: Pid = diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result(conn).await.unwrap();
    row.pid
}

async fn setting(conn: &mut diesel_async::AsyncPgConnection, name: &str) -> String {
    let sql = format!("SELECT current_setting('{name}', true) AS value");
    let row: Setting = diesel::sql_query(sql).get_result(conn).await.unwrap();
    row.value
}

const ADD: &str = "INSERT INTO contacts (tenant_id, id) VALUES (queue.current_tenant(), gen_random_uuid())";

async fn contacts(db: &TestDb) -> String {
    texts(&owner(db.url()).await, "SELECT count(*)::text FROM contacts").await.remove(0)
}

fn db_with_one_connection(db: &TestDb) -> Db {
    let mut config = db.config().clone();
    config.app_connections = 1;
    config.acquire_timeout = Duration::from_millis(500);
    db.another(&config)
}

async fn setup() -> (TestDb, TenantId) {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    (db, tenant)
}

#[tokio::test]
async fn a_commit_keeps_and_a_rollback_does_not() {
    let (db, tenant) = setup().await;
    for keep in [true, false] {
        let mut tx = db.db().begin(tenant).await.unwrap();
        tx.batch_execute(ADD).await.unwrap();
        if keep {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
    }
    assert_eq!(contacts(&db).await, "1");
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_and_its_connection_comes_back() {
    let (db, tenant) = setup().await;
    let one = db_with_one_connection(&db);
    let mut tx = one.begin(tenant).await.unwrap();
    tx.batch_execute(ADD).await.unwrap();
    let first = pid(&mut tx).await;
    drop(tx);
    // The pool has one connection: this waits for the rollback.
    let mut next = one.begin(tenant).await.unwrap();
    assert_eq!(pid(&mut next).await, first, "the same connection, not a new one");
    assert_eq!(contacts(&db).await, "0");
}

#[tokio::test]
async fn a_transaction_dropped_in_the_middle_of_a_query_is_rolled_back_too() {
    let (db, tenant) = setup().await;
    let one = db_with_one_connection(&db);
    let mut tx = one.begin(tenant).await.unwrap();
    tx.batch_execute(ADD).await.unwrap();
    let slow = tx.batch_execute("SELECT pg_sleep(0.2)");
    assert!(tokio::time::timeout(Duration::from_millis(20), slow).await.is_err());
    drop(tx);
    one.begin(tenant).await.unwrap().commit().await.unwrap();
    assert_eq!(contacts(&db).await, "0");
}

#[tokio::test]
async fn the_tenant_does_not_outlive_its_transaction() {
    let (db, tenant) = setup().await;
    let one = db_with_one_connection(&db);
    one.begin(tenant).await.unwrap().commit().await.unwrap();
    let other = db.tenant().await;
    let mut tx = one.begin(other).await.unwrap();
    assert_eq!(setting(&mut tx, "app.tenant_id").await, patchbay_db::TypedId::uuid(other).to_string());
    tx.batch_execute("COMMIT").await.unwrap();
    assert_eq!(setting(&mut tx, "app.tenant_id").await, "");
}

#[tokio::test]
async fn an_aborted_transaction_cannot_be_committed() {
    let (db, tenant) = setup().await;
    let mut tx = db.db().begin(tenant).await.unwrap();
    tx.batch_execute(ADD).await.unwrap();
    assert!(tx.batch_execute("SELECT 1/0").await.is_err());
    assert!(
        matches!(tx.commit().await, Err(DbError::Query(_))),
        "PostgreSQL itself would answer ROLLBACK and no error"
    );
    assert_eq!(contacts(&db).await, "0");
}

#[tokio::test]
async fn a_reading_transaction_cannot_write() {
    let (db, tenant) = setup().await;
    let mut tx = db.db().begin_read(tenant).await.unwrap();
    assert!(tx.batch_execute(ADD).await.is_err());
}

#[tokio::test]
async fn a_nested_transaction_is_a_savepoint() {
    let (db, tenant) = setup().await;
    let mut tx = db.db().begin(tenant).await.unwrap();
    tx.batch_execute(ADD).await.unwrap();
    let inner: Result<(), DbError> = diesel_async::AsyncConnection::transaction(&mut *tx, async |conn| {
        conn.batch_execute(ADD).await?;
        Err(DbError::NotFound)
    })
    .await;
    assert!(inner.is_err());
    tx.commit().await.unwrap();
    assert_eq!(contacts(&db).await, "1");
}

#[tokio::test]
async fn errors_come_as_their_classes() {
    let (db, tenant) = setup().await;
    let mut tx = db.db().begin(tenant).await.unwrap();
    let mut tried = async |sql: &str| -> DbError {
        let sql = format!("SAVEPOINT s;{sql}");
        let error = tx.batch_execute(&sql).await.unwrap_err();
        tx.batch_execute("ROLLBACK TO s").await.unwrap();
        error.into()
    };
    let twice = "INSERT INTO suppressions (tenant_id, channel, address, reason) VALUES (queue.current_tenant(), 'sms', '+1', 'stop')";
    let conflict = tried(&format!("{twice};{twice}")).await;
    assert!(conflict.is_conflict_on("suppressions_pkey"), "{conflict:?}");
    let check = tried(&twice.replace("'stop'", "'whim'")).await;
    assert!(matches!(check, DbError::Check { constraint } if constraint == "suppressions_reason_check"));
    let reference = tried("INSERT INTO leads (tenant_id, id, contact_id) VALUES (queue.current_tenant(), gen_random_uuid(), gen_random_uuid())").await;
    assert!(matches!(reference, DbError::Reference { constraint } if constraint == "leads_tenant_id_contact_id_fkey"));
    assert!(tried("SET LOCAL statement_timeout = 5; SELECT pg_sleep(1)").await.is_retryable());
}
