//! `POST /v1/dead_letters/redrive`.
//!
//! At most so many a call: a mistake in a filter must not send a month's failures again at a stroke.

use patchbay_domain::jobs::pace::Deed;
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
        selection::carry_out(&call, Deed::Redrive, body).await
    }
}
