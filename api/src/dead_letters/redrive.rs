//! `POST /v1/dead_letters/redrive`.
//!
//! At most so many a call: a mistake in a filter must not send a month's failures again at a stroke.

use patchbay_domain::jobs::redrive;
use poem_openapi::OpenApi;

use super::{
    dto::{DeadLetterResult, DeadLetterSelection},
    selection,
};
use crate::{
    http::{BatchBody, Caller, Done, Written},
    jobs::Write,
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Redrive;

#[OpenApi]
impl Redrive {
    /// Redrive dead letters
    ///
    /// They run again with a fresh budget of attempts, and what they were about is made ready for that: a failed message is
    /// queued again. The answer does not wait for the runs; follow each as a job.
    #[oai(
        path = "/v1/dead_letters/redrive",
        method = "post",
        operation_id = "dead_letters_redrive",
        tag = "Tag::DeadLetters"
    )]
    async fn run(&self, call: Caller<Write>, body: BatchBody<DeadLetterSelection>) -> Written<Done<DeadLetterResult>> {
        let digest = body.digest();
        call.charge(selection::units(&body))?;
        let tenant = call.one_of(body.tenant_id)?;
        let mut tx = call.begin_once_of(tenant, digest).await?;
        let selected = selection::find(&mut tx, body.into_inner()).await?;
        if selected.is_dry() {
            let would = selected.ids.clone();
            return tx.finish(Done(selected.result(would))).await;
        }
        let done = redrive::redrive(&mut tx, &selected.ids).await?;
        selection::note(&mut tx, &call, tenant, "dead_letters.redrive", &done).await?;
        tx.finish(Done(selected.result(done))).await
    }
}
