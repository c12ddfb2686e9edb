//! Connections: who they act as, what limits them, and that they heal.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use patchbay_db::testdb::TestDb;
use patchbay_db::{DbError, PgPool};

use crate::support::{owner, texts};

const OTHERS: &str = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'patchbay-test'";

#[tokio::test]
async fn a_killed_backend_costs_the_next_transaction_nothing() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let open = futures_util::future::join_all((0..3).map(|_| db.db().begin(tenant))).await;
    for tx in open {
        tx.unwrap().commit().await.unwrap();
    }
    let killed = texts(&owner(db.url()).await, OTHERS).await;
    assert!(killed.len() >= 4, "three of the application, one of the system");
    for _ in 0..3 {
        let mut tx = db.db().begin(tenant).await.unwrap();
        tx.batch_execute("SELECT 1").await.unwrap();
        tx.commit().await.unwrap();
        db.db().system("a test").await.unwrap().commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_backend_killed_in_a_transaction_is_weather_and_is_not_reused() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let mut tx = db.db().begin(tenant).await.unwrap();
    texts(&owner(db.url()).await, OTHERS).await;
    let error: DbError = tx.batch_execute("SELECT 1").await.unwrap_err().into();
    assert!(error.is_retryable(), "{error:?}");
    assert!(tx.commit().await.unwrap_err().is_retryable());
    db.db().begin(tenant).await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn the_system_pool_gives_the_queue_engine_no_dead_connection() {
    let db = TestDb::new().await;
    let pools = patchbay_db::Pools::new(db.config()).unwrap();
    let pool: &PgPool = pools.system();
    pool.get().await.unwrap().batch_execute("SELECT 1").await.unwrap();
    texts(&owner(db.url()).await, OTHERS).await;
    pool.get().await.unwrap().batch_execute("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn no_free_connection_in_time_is_unavailable() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let mut config = db.config().clone();
    config.app_connections = 1;
    // The first connection is made in that time too, also on a machine that is busy.
    config.acquire_timeout = Duration::from_secs(3);
    let one = db.another(&config);
    let held = one.begin(tenant).await.unwrap();
    assert!(matches!(one.begin(tenant).await, Err(DbError::Unavailable(_))));
    held.commit().await.unwrap();
    one.begin(tenant).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let mut config = db.config().clone();
    config.url = "postgres://nobody@127.0.0.1:1/nowhere".into();
    assert!(matches!(db.another(&config).begin(tenant).await, Err(DbError::Unavailable(_))));
}

#[tokio::test]
async fn transactions_act_as_their_roles_within_their_time() {
    let db = TestDb::new().await;
    let who = "DO $$ BEGIN ASSERT current_user = 'ROLE' AND current_setting('statement_timeout') = '30s'
        AND current_setting('idle_in_transaction_session_timeout') = '1min' AND current_setting('TimeZone') = 'UTC'; END $$";
    let mut tx = db.db().begin(db.tenant().await).await.unwrap();
    tx.batch_execute(&who.replace("ROLE", "patchbay_app")).await.unwrap();
    let mut tx = db.db().system("a test").await.unwrap();
    tx.batch_execute(&who.replace("ROLE", "patchbay_system")).await.unwrap();
}

#[tokio::test]
async fn a_session_keeps_its_role_when_it_is_reset() {
    let db = TestDb::new().await;
    let mut tx = db.db().begin(db.tenant().await).await.unwrap();
    tx.batch_execute("RESET ROLE; RESET ALL; DO $$ BEGIN ASSERT current_user = 'patchbay_app'; END $$").await.unwrap();
}

#[tokio::test]
async fn a_login_that_row_level_security_does_not_bind_is_refused() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let mut config = db.config().clone();
    config.app_url = Some(config.url.clone());
    config.system_url = Some(config.url.clone());
    let superuser = db.another(&config);
    let refused = superuser.begin(tenant).await.err().unwrap();
    assert!(format!("{refused:?}").contains("superuser"), "{refused:?}");
    assert!(superuser.system("a test").await.is_err());
}
