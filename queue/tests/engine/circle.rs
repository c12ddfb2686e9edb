//! Jobs that would wait for each other for ever are refused by the ledger and the test kit, before anything is written.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::result::Error;
use patchbay_queue::ledger::{self, Circle, Inserted};
use patchbay_queue::testkit::TestQueue;
use patchbay_queue::*;
use uuid::Uuid;

use crate::told::request;
use crate::world::{Act, Work, World};

fn named(id: Uuid, tenant: Uuid) -> JobRequest<Work> {
    JobRequest::new(id, tenant, Work { act: Act::Succeed })
}

/// Batches of three jobs, and which of them are a circle.
fn circles(tenant: Uuid) -> Vec<(Vec<NewJob>, Vec<usize>)> {
    let batch = |make: &dyn Fn([Uuid; 3]) -> [JobRequest<Work>; 3]| -> Vec<NewJob> {
        make([(); 3].map(|()| Uuid::now_v7())).map(NewJob::from).into()
    };
    let job = |id| named(id, tenant);
    let last = |id| job(id).unique("key").on_conflict(Conflict::KeepLast);
    vec![
        (batch(&|[a, b, c]| [job(a).after(b), job(b).after_end(a), job(c)]), vec![0, 1]),
        (batch(&|[a, b, c]| [job(a).after(b), job(b).after(c), job(c).after(b)]), vec![1, 2]),
        (batch(&|[a, b, c]| [job(a).after(c), job(b).after(a), job(c).after(b)]), vec![0, 2, 1]),
        (
            batch(&|[a, b, c]| [job(a).after(c).in_order("k"), job(b).in_order("k"), job(c).in_order("k")]),
            vec![0, 2, 1],
        ),
        (batch(&|[a, b, c]| [last(a).after(c), job(b), last(c)]), vec![0, 2]),
    ]
}

#[tokio::test]
async fn a_batch_whose_jobs_wait_for_each_other_in_a_circle_is_refused_whole() {
    let world = World::new().await;
    let mut conn = world.ledger.get().await.unwrap();
    for (batch, places) in circles(Uuid::now_v7()) {
        let wanted = Circle { jobs: places.iter().map(|place| batch[*place].id).collect() };
        let Err(Error::SerializationError(error)) = ledger::enqueue(&mut conn, &batch).await else {
            panic!("{places:?} was accepted");
        };
        assert_eq!(error.downcast_ref(), Some(&wanted));
        assert!(error.to_string().contains(&wanted.jobs[1].to_string()), "{error}");

        let (queue, jobs) = (TestQueue::new(), batch.clone());
        let refused = catch_unwind(AssertUnwindSafe(|| queue.enqueue_all(jobs))).unwrap_err();
        assert!(refused.downcast_ref::<String>().unwrap().contains(&wanted.to_string()));
        assert!(queue.jobs().is_empty());
    }
    for table in ["jobs", "dependencies", "order_tails", "unique_keys"] {
        assert_eq!(world.rows_of(&format!("queue.{table}")).await, 0, "{table}");
    }
}

#[tokio::test]
async fn what_only_looks_like_a_circle_is_accepted() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let [a, b, c, d] = [(); 4].map(|()| Uuid::now_v7());
    // Two ways to the same job, a job that names itself, and a way back that leads to another tenant's job.
    let batch: Vec<NewJob> = vec![
        named(a, tenant).after(b).after(c).after(a).into(),
        named(b, tenant).after(c).into(),
        named(c, tenant).after(d).into(),
        named(d, Uuid::now_v7()).after(a).into(),
    ];
    let accepted = [Inserted::Held, Inserted::Held, Inserted::Waiting, Inserted::Waiting];
    assert_eq!(world.tell_all(&batch).await.outcomes, accepted);
    assert_eq!(TestQueue::new().enqueue_all(batch), accepted);
}

#[tokio::test]
async fn one_that_was_there_before_closes_no_circle() {
    let world = World::new().await;
    let (tenant, later) = (Uuid::now_v7(), Uuid::now_v7());
    let (first, outcome) = world.tell(request(tenant).after(later)).await;
    assert_eq!(outcome, Inserted::Waiting, "what is not there holds up nobody");
    assert_eq!(world.tell(named(later, tenant).after(first.id)).await.1, Inserted::Held);
    assert_eq!(world.rows_of("queue.dependencies").await, 1);
}
