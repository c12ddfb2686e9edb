//! `POST /v1/queues/{queue}/pause`.
//!
//! The ledger holds the pause and Redis obeys it, so an emptied Redis starts nothing that was paused.

use patchbay_domain::queues::control::Decision;
use poem_openapi::{OpenApi, param::Path, types::ToJSON};

use super::{
    Write,
    caller::Caller,
    decide::{Deed, scope},
    dto::{QueuePauseCreate, QueuePauses},
    get::known,
};
use crate::{
    http::{Body, Done, Problem, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Pause;

#[OpenApi]
impl Pause {
    /// Pause a queue or a lane
    ///
    /// Nothing of it starts from now on; what runs goes on. A tenant's key pauses its own share or a lane of it, the
    /// system key a whole queue or any tenant's share. Pausing again replaces the pause of the same scope.
    #[oai(path = "/v1/queues/:queue/pause", method = "post", operation_id = "queues_pause", tag = "Tag::Queues")]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The queue's name.
        queue: Path<String>,
        body: Body<QueuePauseCreate>,
    ) -> Written<Done<QueuePauses>> {
        let queue = known(&call, &queue.0)?;
        let digest = body.digest();
        let wanted = body.into_inner();
        let whose = call.whose(wanted.tenant_id)?;
        let until = wanted.until.map(|until| until.0);
        if until.is_some_and(|until| until <= call.now()) {
            return Err(Problem::refused("/until", "in_the_past", "The pause would be over already.").into());
        }
        let detail = wanted.to_json().unwrap_or_default();
        let scope = scope(whose, wanted.lane)?;
        let decision = Decision::Pause { scope, until, reason: wanted.reason };
        let deed = Deed { queue, decision, whose, action: "queues.pause", detail };
        deed.carry_out(&call, digest).await
    }
}
