//! `POST /v1/dead_letters/redrive_job`.
//!
//! Apart from `dead_letters_redrive`, whose answer is what it did: this one's is a job, which may take an hour.

use patchbay_jobs::jobs::RedriveDead;
use poem_openapi::{OpenApi, types::ToJSON};

use super::paced::{DeadLetterJobCreate, accept, owner, total};
use crate::{
    http::{Accepted, Body, Caller, Written},
    jobs::{Write, dto::Job},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct RedriveJob;

#[OpenApi]
impl RedriveJob {
    /// Redrive dead letters at a pace
    ///
    /// As `dead_letters_redrive`, for many: a job does it, at most `per_second` a second. Its `progress` says how far it has come;
    /// cancelling it stops it, and what is redriven by then stays so. `dead_letters_count` says beforehand how many match. Of
    /// everybody's, for the system key without `tenant_id`, the job is the installation's own: its `tenant_id` is where to
    /// follow and to cancel it.
    #[oai(
        path = "/v1/dead_letters/redrive_job",
        method = "post",
        operation_id = "dead_letters_redrive_job",
        tag = "Tag::DeadLetters"
    )]
    async fn run(&self, call: Caller<Write>, body: Body<DeadLetterJobCreate>) -> Written<Accepted<Job>> {
        let digest = body.digest();
        let wanted = body.into_inner();
        let whose = call.whose(wanted.tenant_id)?;
        let selection = wanted.selection(whose, call.now())?;
        let total = total(&call, whose, &selection, wanted.limit).await?;
        let tx = call.begin_once_of(owner(whose), digest).await?;
        let work = RedriveDead { selection, limit: wanted.limit, per_second: wanted.per_second };
        let detail = wanted.to_json().unwrap_or_default();
        accept(&call, tx, work, total, "dead_letters.redrive_job", detail).await
    }
}
