//! `POST /v1/dead_letters/discard`.
//!
//! A state and not a deletion: retention takes the row with its day, and until then it can be asked about.

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
pub struct Discard;

#[OpenApi]
impl Discard {
    /// Discard dead letters
    ///
    /// They are put away for good: they leave this list, cannot be retried any more, and what they were about stays failed.
    #[oai(
        path = "/v1/dead_letters/discard",
        method = "post",
        operation_id = "dead_letters_discard",
        tag = "Tag::DeadLetters"
    )]
    async fn run(&self, call: Caller<Write>, body: BatchBody<DeadLetterSelection>) -> Written<Done<DeadLetterResult>> {
        selection::carry_out(&call, Deed::Discard, body).await
    }
}
