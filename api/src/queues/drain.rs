//! `POST /v1/queues/{queue}/drain`.
//!
//! A pause that says how many still run: before a deploy, or before a provider's account is closed.

use std::time::{Duration, Instant};

use patchbay_domain::queues::{control::Decision, running};
use poem_openapi::{OpenApi, param::Path};

use super::{
    Write,
    dto::{QueueDrain, QueuePauseCreate},
    key::one_or_all,
    pause::deed,
};
use crate::{
    http::{Body, Caller, Done, Problem, Written},
    tags::Tag,
};

/// How often it is looked, for a caller who waits.
const EVERY: Duration = Duration::from_millis(100);

/// The operation.
#[derive(Debug, Default)]
pub struct Drain;

#[OpenApi]
impl Drain {
    /// Drain a queue, a kind, a tenant or a lane
    ///
    /// As `queues_pause`, and says how many of its jobs still run. With `Prefer: wait=10` the answer waits until none does
    /// or the time is up; call it again to look again. `queues_resume` ends it.
    #[oai(path = "/v1/queues/:queue/drain", method = "post", operation_id = "queues_drain", tag = "Tag::Queues")]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The queue's name, or `*`.
        queue: Path<String>,
        body: Body<QueuePauseCreate>,
    ) -> Written<Done<QueueDrain>> {
        let queue = one_or_all(&call, &queue.0)?;
        let digest = body.digest();
        let deed = deed(&call, queue, body.into_inner(), "queues.drain")?;
        let Decision::Pause { scope, .. } = &deed.decision else {
            return Err(Problem::internal("a drain is a pause").into());
        };
        let db = &call.app().db;
        let told = |pauses, running: Option<u64>| QueueDrain {
            queue: queue.to_owned(),
            pauses,
            running,
            drained: running == Some(0),
        };
        let before = running::of(db, queue, scope).await;
        let mut shown = Vec::new();
        let answer = deed
            .carry_out(&call, digest, |pauses| {
                shown.clone_from(&pauses);
                told(pauses, before)
            })
            .await?;
        let until = Instant::now() + call.patience();
        loop {
            let running = running::of(db, queue, scope).await;
            if running == Some(0) || Instant::now() >= until {
                return Ok(answer.with_record(&told(shown, running)));
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}
