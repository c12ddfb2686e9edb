//! `POST /v1/queues/{queue}/resume`.
//!
//! Exactly the scope it names: a tenant that resumes its share lifts no pause of the operator's.

use patchbay_domain::queues::control::Decision;
use poem_openapi::{OpenApi, param::Path, types::ToJSON};

use super::{
    Write,
    caller::Caller,
    decide::{Deed, scope},
    dto::{QueuePauses, QueueResume},
    get::known,
};
use crate::{
    http::{Body, Done, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Resume;

#[OpenApi]
impl Resume {
    /// Resume a queue or a lane
    ///
    /// Lifts the pause of exactly this scope; the answer says which are left. What is not paused stays as it is.
    #[oai(path = "/v1/queues/:queue/resume", method = "post", operation_id = "queues_resume", tag = "Tag::Queues")]
    async fn run(
        &self,
        call: Caller<Write>,
        /// The queue's name.
        queue: Path<String>,
        body: Body<QueueResume>,
    ) -> Written<Done<QueuePauses>> {
        let queue = known(&call, &queue.0)?;
        let digest = body.digest();
        let wanted = body.into_inner();
        let whose = call.whose(wanted.tenant_id)?;
        let detail = wanted.to_json().unwrap_or_default();
        let decision = Decision::Resume(scope(whose, wanted.lane)?);
        let deed = Deed { queue, decision, whose, action: "queues.resume", detail };
        deed.carry_out(&call, digest).await
    }
}
