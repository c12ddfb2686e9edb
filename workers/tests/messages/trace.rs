//! A provider's call belongs to the trace of the request that caused it, whichever attempt makes it.

use patchbay_simulator::{FaultKind, Faults, Rule};
use serde_json::Value;

use crate::world::World;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test(flavor = "multi_thread")]
async fn a_single_and_a_batch_are_sent_in_the_trace_of_their_cause() {
    let world = World::new().await;
    let cause = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let (single, _) = world.send_traced(&[("+12025550111", "one")], Some(&cause)).await;
    let (batch, _) = world.send_traced(&[("+12025550112", "two"), ("+12025550113", "three")], Some(&cause)).await;
    let _workers = world.work(&["sends"]);
    world.until_job(single, "succeeded").await;
    world.until_job(batch, "succeeded").await;
    assert_eq!(traces(&world).await, [TRACE; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_sent_again_is_in_it_too() {
    let world = World::new().await;
    let once = Rule { code: Some(20_500), times: Some(1), ..Rule::new(FaultKind::Reject) };
    world.sim.set_faults(None, Faults { rules: vec![once], ..Faults::default() }).unwrap();
    let cause = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let (job, _) = world.send_traced(&[("+12025550111", "again")], Some(&cause)).await;
    let _workers = world.work(&["sends"]);
    world.until_job(job, "succeeded").await;
    assert_eq!(traces(&world).await, [TRACE]);
}

/// The traces that the simulator's messages came in.
async fn traces(world: &World) -> Vec<String> {
    let url = format!("{}/_sim/messages", world.sim.base_url.trim_end_matches('/'));
    let found: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let messages = found["messages"].as_array().unwrap();
    let trace = |message: &Value| message["traceparent"].as_str().unwrap().split('-').nth(1).unwrap().to_owned();
    messages.iter().map(trace).collect()
}
