//! What a job says it has done adds up, whoever did it.

use patchbay_domain::messages::MessageState;
use patchbay_domain::messages::cancel::cancel;
use patchbay_simulator::Faults;

use crate::world::{ACCOUNT_SID, World};

const ENDED: &str = "SELECT count(*) AS n FROM queue.jobs WHERE state = 'succeeded' AND progress_total > 0
    AND progress_total = progress_succeeded + progress_failed + progress_skipped";

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_cancelled_while_its_batch_runs_is_counted() {
    let world = World::new().await;
    world.sim.set_faults(Some(ACCOUNT_SID), Faults { latency_ms: 300, ..Faults::default() }).unwrap();
    let texts: Vec<(String, String)> = (0..150).map(|n| (format!("+1202555{n:04}"), format!("hello {n}"))).collect();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(to, body)| (to.as_str(), body.as_str())).collect();
    let (job, messages) = world.send(&texts).await;
    let _workers = world.work(&["sends"]);
    world.until(messages[0], MessageState::Sending).await;
    let mut tx = world.tx().await;
    cancel(&mut tx, messages[149]).await.unwrap();
    tx.commit().await.unwrap();
    world.until_job(job, "succeeded").await;
    assert_eq!(world.count(&format!("{ENDED} AND progress_skipped = 1")).await, 1);
}
