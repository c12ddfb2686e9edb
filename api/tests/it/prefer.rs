//! Waiting for a job's end.

use std::time::Duration;

use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl;
use patchbay_db::{TypedId, ids::JobId};

use crate::harness::TestApi;

async fn waiting_job(api: &TestApi) -> JobId {
    let id: JobId = api.app.db.new_id(api.app.clock.now());
    let mut tx = api.app.db.begin(api.a.id).await.unwrap();
    diesel::sql_query(
        "INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, payload, run_at, max_attempts)
         VALUES ($1, $2, 'sends', 'tests.none', 1, '', now(), 1)",
    )
    .bind::<SqlUuid, _>(api.a.id.uuid())
    .bind::<SqlUuid, _>(id.uuid())
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn the_wait_ends_with_the_job() {
    let api = TestApi::new().await;
    let job = waiting_job(&api).await;
    let watch = api.app.jobs.clone();
    let tenant = api.a.id;
    let waiting = tokio::spawn(async move { watch.ended(tenant, job, Duration::from_secs(30)).await.unwrap() });
    let mut tx = api.app.db.begin(api.a.id).await.unwrap();
    diesel::sql_query(
        "UPDATE queue.jobs SET state = 'succeeded', finished_at = now(), revision = revision + 1 WHERE id = $1",
    )
    .bind::<SqlUuid, _>(job.uuid())
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    assert!(waiting.await.unwrap());
}

#[tokio::test]
async fn the_wait_ends_when_the_time_is_up() {
    let api = TestApi::new().await;
    let job = waiting_job(&api).await;
    let watch = api.app.jobs.clone();
    assert!(!watch.ended(api.a.id, job, Duration::from_millis(50)).await.unwrap());
}
