//! `POST /v1/queues/{queue}/pause`.
//!
//! The ledger holds the pause and Redis obeys it, so an emptied Redis starts nothing that was paused.

use patchbay_domain::queues::control::Decision;
use poem_openapi::{OpenApi, param::Path, types::ToJSON};

use super::{
    Write,
    decide::{Deed, Wanted, scope},
    dto::{QueuePauseCreate, QueuePauses},
    key::one_or_all,
};
use crate::{
    http::{Body, Caller, Done, Problem, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Pause;

#[OpenApi]
impl Pause {
    /// Pause a queue, a kind, a tenant or a lane
    ///
    /// Nothing of it starts from now on; what runs goes on. A tenant's key pauses its own share or a lane of it, the
    /// system key a whole queue, a kind of jobs, any tenant's share, or a lane of everybody's. The queue `*` stands for
    /// all of them: a tenant across everything. Pausing again replaces the pause of the same scope; what the system key has
    /// paused answers `forbidden` to the tenant's own keys.
    #[oai(path = "/v1/queues/:queue/pause", method = "post", operation_id = "queues_pause", tag = "Tag::Queues")]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The queue's name, or `*`.
        queue: Path<String>,
        body: Body<QueuePauseCreate>,
    ) -> Written<Done<QueuePauses>> {
        let queue = one_or_all(&call, &queue.0)?;
        let digest = body.digest();
        let deed = deed(&call, queue, body.into_inner(), "queues.pause")?;
        deed.carry_out(&call, digest, |pauses| QueuePauses { queue: queue.to_owned(), pauses }).await
    }
}

/// The pause that is asked for.
pub(super) fn deed(
    call: &Caller<Write>,
    queue: &'static str,
    wanted: QueuePauseCreate,
    action: &'static str,
) -> Result<Deed, Problem> {
    let until = wanted.until.map(|until| until.0);
    if until.is_some_and(|until| until <= call.now()) {
        return Err(Problem::refused("/until", "in_the_past", "The pause would be over already."));
    }
    let detail = wanted.to_json().unwrap_or_default();
    let QueuePauseCreate { lane, kind, tenant_id, shared, reason, .. } = wanted;
    let (scope, whose) = scope(call, Wanted { kind, lane, tenant_id, shared })?;
    Ok(Deed { queue, decision: Decision::Pause { scope, until, reason }, whose, action, detail })
}
