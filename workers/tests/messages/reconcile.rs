//! Receipts that were lost are asked for.

use chrono::Utc;
use patchbay_db::TypedId as _;
use patchbay_db::ids::JobId;
use patchbay_domain::messages::MessageState;
use patchbay_jobs::messages::Reconcile;
use patchbay_queue::JobRequest;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_receipt_is_repaired() {
    let world = World::new().await;
    let _workers = world.work(&["sends", "receipts", "reconcile"]);
    let (_, message) = world.send_one("+15005550104", "hello").await;
    world.until(message, MessageState::Sent).await;
    world.sim.quiet().await;
    assert_eq!(world.message(message).await.state, MessageState::Sent);

    let mut system = world.db().system("a test").await.unwrap();
    let due = patchbay_domain::messages::reconcile::due_accounts(&mut system).await.unwrap();
    system.commit().await.unwrap();
    assert_eq!(due.iter().map(|due| due.id).collect::<Vec<_>>(), [world.account]);
    let job: JobId = world.db().new_id(Utc::now());
    let ask = Reconcile { provider_account_id: world.account };
    let mut tx = world.tx().await;
    tx.enqueue(JobRequest::new(job.uuid(), world.tenant.uuid(), ask)).await.unwrap();
    tx.commit().await.unwrap();
    world.until_job(job, "succeeded").await;
    assert_eq!(world.message(message).await.state, MessageState::Delivered);
}
