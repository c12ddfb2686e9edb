//! `POST /v1/queues/{queue}/resume`.
//!
//! Exactly the scope it names: a tenant that resumes its share lifts no pause of the operator's, on the queue or on that
//! share.

use patchbay_domain::queues::control::Decision;
use poem_openapi::{OpenApi, param::Path, types::ToJSON};

use super::{
    Write,
    decide::{Deed, Wanted, scope},
    dto::{QueuePauses, QueueResume},
    key::one_or_all,
};
use crate::{
    http::{Body, Caller, Done, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Resume;

#[OpenApi]
impl Resume {
    /// Resume a queue, a kind, a tenant or a lane
    ///
    /// Lifts the pause of exactly this scope; the answer says which are left. What is not paused stays as it is, and what the
    /// system key has paused answers `forbidden` to the tenant's own keys.
    #[oai(path = "/v1/queues/:queue/resume", method = "post", operation_id = "queues_resume", tag = "Tag::Queues")]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The queue's name, or `*`.
        queue: Path<String>,
        body: Body<QueueResume>,
    ) -> Written<Done<QueuePauses>> {
        let queue = one_or_all(&call, &queue.0)?;
        let digest = body.digest();
        let wanted = body.into_inner();
        let detail = wanted.to_json().unwrap_or_default();
        let QueueResume { lane, kind, tenant_id, shared } = wanted;
        let (scope, whose) = scope(&call, Wanted { kind, lane, tenant_id, shared })?;
        let deed = Deed { queue, decision: Decision::Resume(scope), whose, action: "queues.resume", detail };
        deed.carry_out(&call, digest, |pauses| QueuePauses { queue: queue.to_owned(), pauses }).await
    }
}
