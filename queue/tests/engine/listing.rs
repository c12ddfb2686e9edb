//! Lists over many jobs: a filter that few pass costs no more than one that all pass.

use diesel_async::RunQueryDsl as _;
use patchbay_queue::ledger::list::{JobFilter, SCANNED, list};
use uuid::Uuid;

use crate::world::{Act, World};

#[tokio::test]
async fn a_call_looks_at_so_many_jobs_and_says_how_far_it_came() {
    let world = World::new().await;
    let wanted = world.job(Uuid::now_v7(), Act::Succeed);
    let tenant = wanted.tenant_id;
    world.accept(std::slice::from_ref(&wanted)).await;
    let mut conn = world.ledger.get().await.unwrap();
    // All of them newer than the one that is wanted.
    diesel::sql_query(
        "INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, state, payload, run_at, max_attempts)
         SELECT $1, (substr($2::text, 1, 24) || lpad(to_hex(n), 12, '0'))::uuid,
             'tests', 'tests.work', 1, 'succeeded', '', now(), 1 FROM generate_series(1, $3) n",
    )
    .bind::<diesel::sql_types::Uuid, _>(tenant)
    .bind::<diesel::sql_types::Uuid, _>(newer(wanted.id))
    .bind::<diesel::sql_types::Int4, _>(i32::try_from(SCANNED).unwrap())
    .execute(&mut conn)
    .await
    .unwrap();

    let waiting = JobFilter { states: vec!["waiting".into()], ..JobFilter::default() };
    let first = list(&mut conn, tenant, &waiting, Uuid::max(), 10).await.unwrap();
    assert!(first.jobs.is_empty());
    let reached = first.reached.expect("it did not come to the end");
    let next = list(&mut conn, tenant, &waiting, reached, 10).await.unwrap();
    assert_eq!(next.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [wanted.id]);
    assert_eq!(next.reached, None, "that was the end");

    let done = JobFilter { states: vec!["succeeded".into()], ..JobFilter::default() };
    let page = list(&mut conn, tenant, &done, Uuid::max(), 10).await.unwrap();
    assert_eq!((page.jobs.len(), page.reached), (10, None), "a full page needs no word of how far");
}

#[tokio::test]
async fn dead_letters_and_the_jobs_of_a_subject_are_looked_at_in_bounds_too() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let mut conn = world.ledger.get().await.unwrap();
    // The oldest has the error that is looked for.
    diesel::sql_query(
        "INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, state, payload, run_at, max_attempts, subject,
            error_class, last_error, finished_at)
         SELECT $1, (substr($2::text, 1, 24) || lpad(to_hex(n), 12, '0'))::uuid, 'tests', 'tests.work', 1, 'dead', '', now(),
             1, 'record', CASE n WHEN 0 THEN 'crash' ELSE 'permanent' END, 'code: text', now() FROM generate_series(0, $3) n",
    )
    .bind::<diesel::sql_types::Uuid, _>(tenant)
    .bind::<diesel::sql_types::Uuid, _>(Uuid::now_v7())
    .bind::<diesel::sql_types::Int4, _>(i32::try_from(SCANNED).unwrap())
    .execute(&mut conn)
    .await
    .unwrap();
    let crashed = JobFilter { error_class: Some("crash".into()), ..JobFilter::default() };
    let dead = JobFilter { states: vec!["dead".into()], ..crashed.clone() };
    let dead_of = JobFilter { subject: Some("record".into()), ..dead.clone() };
    for filter in [dead, dead_of, JobFilter { subject: Some("record".into()), ..crashed }] {
        let first = list(&mut conn, tenant, &filter, Uuid::max(), 10).await.unwrap();
        assert!(first.jobs.is_empty(), "{filter:?}");
        let reached = first.reached.expect("it did not come to the end");
        let next = list(&mut conn, tenant, &filter, reached, 10).await.unwrap();
        assert_eq!((next.jobs.len(), next.reached), (1, None), "{filter:?}");
    }
}

/// An id of a second later.
fn newer(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128() + (1_000 << 80))
}
