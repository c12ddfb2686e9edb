//! A job's run belongs to the trace of the request that caused it.

use chrono::Utc;
use patchbay_db::TypedId as _;
use patchbay_db::ids::JobId;
use patchbay_jobs::maintenance::MakePartitions;
use patchbay_queue::{JobRequest, SYSTEM_TENANT};

use crate::program::Program;
use crate::world::World;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn the_lines_of_a_run_carry_the_trace_and_the_request_of_its_cause() {
    let world = World::new().await;
    let mut start = world.worker(&["--queues", "maintenance=1"]);
    start.env("RUST_LOG", "info,patchbay_db=trace");
    let worker = Program::start(start).await;
    let id: JobId = world.db.db().new_id(Utc::now());
    let cause = (Some(format!("00-{TRACE}-00f067aa0ba902b7-01")), Some("req-7".to_owned()));
    let job = JobRequest::new(id.uuid(), SYSTEM_TENANT, MakePartitions {}).caused_by(cause.0, cause.1);
    world.enqueue(vec![job.into()]).await;
    let line = worker.says("a transaction over all tenants").await;
    assert_eq!((&line["trace_id"], &line["request_id"]), (&TRACE.into(), &"req-7".into()), "{line:#}");
    assert_eq!((&line["kind"], &line["job"]), (&"maintenance.partitions".into(), &id.uuid().to_string().into()));
}
