//! The README's example, as it stands there.

use std::time::Duration;

use apalis_core::error::BoxDynError;
use apalis_core::worker::builder::WorkerBuilder;
use patchbay_queue::{Envelope, QueueBackend};

use crate::world::{Act, QUEUE, World};

#[tokio::test]
async fn a_plain_apalis_worker_runs_on_the_backend() {
    let world = World::new().await;
    let id = world.enqueue_one(Act::Succeed).await;

    async fn handle(job: Envelope) -> Result<(), BoxDynError> {
        assert_eq!(job.header.kind, "tests.work");
        Ok(())
    }
    let backend = QueueBackend::start(QUEUE, world.settings(8), world.lanes.clone(), world.ledger.clone());
    let worker = WorkerBuilder::new("plain").backend(backend).build(handle);
    let until = tokio::time::sleep(Duration::from_millis(600));
    worker
        .run_until(async {
            until.await;
            Ok::<(), std::io::Error>(())
        })
        .await
        .unwrap();

    assert_eq!(world.view(id).await.state, "succeeded");
}
