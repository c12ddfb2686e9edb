//! No tenant reads, writes or moves into another's rows: tried on every table that the catalog knows.

use diesel_async::SimpleAsyncConnection;
use patchbay_db::ids::TenantId;
use patchbay_db::testdb::TestDb;
use patchbay_db::{DbError, Tx, TypedId};

use crate::samples::{OPERATORS, SAMPLES};
use crate::support::{app_without_tenant, owner, texts};

/// Two tenants, each with a row in every table.
async fn two_tenants(db: &TestDb) -> (TenantId, TenantId) {
    let (ours, theirs) = (db.tenant().await, db.tenant().await);
    for tenant in [ours, theirs] {
        let mut tx = db.db().begin(tenant).await.unwrap();
        for &(table, sql) in SAMPLES {
            if OPERATORS.contains(&table) {
                let sql = sql.replace("$t", &quoted(tenant));
                owner(db.url()).await.batch_execute(&format!("SET ROLE patchbay_system; {sql}")).await.unwrap();
                continue;
            }
            insert(&mut tx, table, tenant).await.unwrap_or_else(|error| panic!("{table}: {error:?}"));
        }
        tx.commit().await.unwrap();
    }
    (ours, theirs)
}

async fn insert(tx: &mut Tx, table: &str, tenant: TenantId) -> Result<(), DbError> {
    let (_, sql) = SAMPLES.iter().find(|(name, _)| *name == table).unwrap();
    run(tx, &sql.replace("$t", &quoted(tenant))).await
}

fn quoted(tenant: TenantId) -> String {
    format!("'{}'", tenant.uuid())
}

/// Runs SQL behind a savepoint, so that a refusal leaves the transaction usable.
async fn run(tx: &mut Tx, sql: &str) -> Result<(), DbError> {
    let ran = tx.batch_execute(&format!("SAVEPOINT s;{sql};RELEASE s")).await;
    if ran.is_err() {
        tx.batch_execute("ROLLBACK TO s").await.unwrap();
    }
    Ok(ran?)
}

fn is_refusal(result: &Result<(), DbError>) -> bool {
    matches!(result, Err(DbError::Query(error))
        if ["row-level security policy", "permission denied"].iter().any(|sign| error.to_string().contains(sign)))
}

/// Fails the statement when `sql` touches or sees any row.
fn none(sql: &str) -> String {
    format!(
        "DO $$ DECLARE n bigint; BEGIN {sql}; GET DIAGNOSTICS n = ROW_COUNT; IF n > 0 THEN RAISE 'touched %', n; END IF; END $$"
    )
}

#[tokio::test]
async fn every_tenant_table_of_the_catalog_is_tried_here() {
    let db = TestDb::new().await;
    let tables = texts(
        &owner(db.url()).await,
        "SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
         WHERE attname = 'tenant_id' AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1",
    )
    .await;
    let mut sampled: Vec<&str> = SAMPLES.iter().map(|(name, _)| *name).collect();
    sampled.sort_unstable();
    assert_eq!(tables, sampled, "add the table's row to samples.rs");
}

#[tokio::test]
async fn without_a_tenant_no_table_shows_a_row() {
    let db = TestDb::new().await;
    two_tenants(&db).await;
    let client = app_without_tenant(&db).await;
    for table in SAMPLES.iter().map(|(name, _)| *name).chain(["tenants"]) {
        let rows = texts(&client, &format!("SELECT count(*)::text FROM {table}")).await;
        assert_eq!(rows, ["0"], "{table}");
    }
}

#[tokio::test]
async fn a_tenant_sees_its_own_rows_only() {
    let db = TestDb::new().await;
    let (ours, theirs) = two_tenants(&db).await;
    let mut tx = db.db().begin(ours).await.unwrap();
    for &(table, _) in SAMPLES {
        let foreign = format!("PERFORM FROM {table} WHERE tenant_id = {}", quoted(theirs));
        run(&mut tx, &none(&foreign)).await.unwrap_or_else(|error| panic!("{table}: {error:?}"));
        let own = format!("PERFORM FROM {table} WHERE tenant_id = {}", quoted(ours));
        assert!(run(&mut tx, &none(&own)).await.is_err(), "{table} hides the tenant's own row");
    }
    run(&mut tx, &none(&format!("PERFORM FROM tenants WHERE id <> {}", quoted(ours)))).await.unwrap();
}

#[tokio::test]
async fn a_tenant_changes_and_deletes_nothing_of_another() {
    let db = TestDb::new().await;
    let (ours, theirs) = two_tenants(&db).await;
    let mut tx = db.db().begin(ours).await.unwrap();
    for &(table, _) in SAMPLES {
        for change in [format!("UPDATE {table} SET tenant_id = tenant_id"), format!("DELETE FROM {table}")] {
            let tried = run(&mut tx, &none(&format!("{change} WHERE tenant_id = {}", quoted(theirs)))).await;
            assert!(tried.is_ok() || is_refusal(&tried), "{change}: {tried:?}");
        }
    }
}

#[tokio::test]
async fn a_tenant_inserts_nothing_for_another() {
    let db = TestDb::new().await;
    let (ours, theirs) = two_tenants(&db).await;
    let mut tx = db.db().begin(ours).await.unwrap();
    for &(table, _) in SAMPLES {
        let tried = insert(&mut tx, table, theirs).await;
        assert!(is_refusal(&tried), "{table}: {tried:?}");
    }
    let tenant = run(&mut tx, "INSERT INTO tenants (id, name) VALUES (gen_random_uuid(), 'x')").await;
    assert!(is_refusal(&tenant), "{tenant:?}");
}

#[tokio::test]
async fn a_tenant_gives_none_of_its_rows_to_another() {
    let db = TestDb::new().await;
    let (ours, theirs) = two_tenants(&db).await;
    let mut tx = db.db().begin(ours).await.unwrap();
    for &(table, _) in SAMPLES {
        let tried = run(&mut tx, &format!("UPDATE {table} SET tenant_id = {}", quoted(theirs))).await;
        assert!(is_refusal(&tried), "{table}: {tried:?}");
    }
}

#[tokio::test]
async fn a_tenant_cannot_lift_a_pause_of_the_whole_queue() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    owner(db.url())
        .await
        .batch_execute("INSERT INTO queue.pauses (queue, paused_by) VALUES ('q', 'an operator')")
        .await
        .unwrap();
    let mut tx = db.db().begin(tenant).await.unwrap();
    run(&mut tx, &none("DELETE FROM queue.pauses")).await.unwrap();
    assert!(run(&mut tx, &none("PERFORM FROM queue.pauses")).await.is_err(), "but it is seen");
}

#[tokio::test]
async fn the_system_role_sees_every_tenant() {
    let db = TestDb::new().await;
    two_tenants(&db).await;
    let client = owner(db.url()).await;
    client.batch_execute("SET ROLE patchbay_system").await.unwrap();
    for &(table, _) in SAMPLES {
        assert_eq!(texts(&client, &format!("SELECT count(*)::text FROM {table}")).await, ["2"], "{table}");
    }
}
