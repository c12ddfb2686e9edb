//! Jobs are accepted with the record that caused them, and go out after the commit.

use patchbay_db::testdb::TestDb;
use patchbay_db::{TypedId, ids::JobId, ids::TenantId};
use patchbay_queue::NewJob;
use patchbay_queue::ledger::Inserted;

use crate::support::{owner, texts};

fn job(db: &TestDb, tenant: TenantId) -> NewJob {
    NewJob {
        id: db.db().new_id::<JobId>(chrono::DateTime::UNIX_EPOCH).uuid(),
        tenant_id: tenant.uuid(),
        queue: "sends".to_owned(),
        kind: "a.test".to_owned(),
        version: 1,
        lane: String::new(),
        priority: 0,
        cost: 1,
        payload: b"{}".to_vec(),
        subject: None,
        unique_key: None,
        run_at: None,
        not_after: None,
        max_attempts: 3,
        trace: None,
        request_id: None,
        total: 0,
        secret_fields: &[],
        flow: None,
    }
}

/// Jobs of the queue in Redis, once the dispatcher's task has had its turn.
async fn dispatched(db: &TestDb, at_least: usize) -> usize {
    let client = redis::Client::open(std::env::var("REDIS_URL").unwrap()).unwrap();
    let mut conn = client.get_multiplexed_async_connection().await.unwrap();
    for _ in 0..500 {
        let held: usize =
            redis::cmd("HLEN").arg(format!("{}:{{sends}}:jobs", db.namespace())).query_async(&mut conn).await.unwrap();
        if held >= at_least {
            return held;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    0
}

#[tokio::test]
async fn a_committed_job_is_in_the_ledger_and_goes_to_the_dispatcher() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let mut tx = db.db().begin(tenant).await.unwrap();
    assert_eq!(tx.enqueue(job(&db, tenant)).await.unwrap(), Inserted::Waiting);
    tx.commit().await.unwrap();
    assert_eq!(dispatched(&db, 1).await, 1);
    assert_eq!(texts(&owner(db.url()).await, "SELECT state FROM queue.jobs").await, ["waiting"]);
}

#[tokio::test]
async fn of_a_rolled_back_transaction_no_job_goes_out() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let mut gone = db.db().begin(tenant).await.unwrap();
    gone.enqueue(job(&db, tenant)).await.unwrap();
    gone.rollback().await.unwrap();
    let mut kept = db.db().begin(tenant).await.unwrap();
    kept.enqueue(job(&db, tenant)).await.unwrap();
    kept.commit().await.unwrap();
    assert_eq!(dispatched(&db, 1).await, 1, "the later job alone: pushes keep their order");
}

#[tokio::test]
async fn a_job_for_later_waits_in_the_ledger() {
    let db = TestDb::new().await;
    let tenant = db.tenant().await;
    let mut tx = db.db().system("a test").await.unwrap();
    let later =
        NewJob { run_at: Some(chrono::DateTime::from_timestamp(32_503_680_000, 0).unwrap()), ..job(&db, tenant) };
    let outcomes = tx.enqueue_all(vec![later, job(&db, tenant)]).await.unwrap();
    assert_eq!(outcomes, [Inserted::Scheduled, Inserted::Waiting]);
    tx.commit().await.unwrap();
    assert_eq!(dispatched(&db, 1).await, 1);
}
