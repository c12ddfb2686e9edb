//! `POST /v1/messages/batch`.
//!
//! One job for all of them, which claims them in sets: a job a message would cost a row and a turn each.

use std::collections::HashMap;

use patchbay_db::ids::{JobId, MessageId};
use patchbay_domain::messages::accept::{Call as Wanted, Draft, Mode, Refusal, Verdict, accept};
use patchbay_domain::messages::{self as domain};
use patchbay_jobs::messages::SendMessages;
use patchbay_queue::Job as _;
use patchbay_service::telemetry::current_traceparent;
use poem_openapi::{Object, OpenApi, types::Example};

use super::{
    Write,
    draft::{Fields, MessageBatchCreate, MessageBatchItem, MessagePurpose, draft, measure, send_at},
    refused,
};
use crate::{
    http::{
        Accepted, BatchBody, Call, Code, FieldError, Id, Problem, Written,
        bulk::{BulkError, BulkMode, BulkResult},
    },
    tags::Tag,
};

/// Messages of a batch that cost one unit of the rate limit.
const PER_UNIT: usize = 50;

/// A message of a batch that was accepted.
#[derive(Debug, Object)]
#[oai(example)]
pub struct AcceptedMessage {
    /// Its id.
    pub id: Id<MessageId>,
    /// The recipient's address.
    pub to: String,
    /// Segments it takes.
    pub segments: i16,
}

impl Example for AcceptedMessage {
    fn example() -> Self {
        Self { id: Id::example(), to: "+12025550123".to_owned(), segments: 1 }
    }
}

/// What became of a batch.
#[derive(Debug, Object)]
#[oai(example)]
pub struct MessageBatch {
    /// The job that sends the messages.
    pub job_id: Id<JobId>,
    /// How many were accepted.
    pub accepted: u32,
    /// How many were refused.
    pub refused: u32,
    /// One result for each message, in order.
    pub results: Vec<BulkResult<AcceptedMessage>>,
}

impl Example for MessageBatch {
    fn example() -> Self {
        let record = Some(AcceptedMessage::example());
        Self {
            job_id: Id::example(),
            accepted: 1,
            refused: 0,
            results: vec![BulkResult { index: 0, record, error: None }],
        }
    }
}

/// The operation.
#[derive(Debug, Default)]
pub struct Batch;

#[OpenApi]
impl Batch {
    /// Send many messages
    ///
    /// Up to 1,000, by one job. In mode `strict` one refused message refuses all, with 422 and a pointer for each reason;
    /// in mode `permissive` the others are accepted, and each result says what became of its message. A batch of which
    /// nothing can be accepted answers 422 in both.
    #[oai(path = "/v1/messages/batch", method = "post", operation_id = "messages_batch", tag = "Tag::Messages")]
    async fn run(&self, call: Call<Write>, body: BatchBody<MessageBatchCreate>) -> Written<Accepted<MessageBatch>> {
        let digest = body.digest();
        let body = body.into_inner();
        call.charge(u32::try_from(body.messages.len() / PER_UNIT).unwrap_or(u32::MAX))?;
        let send_at = send_at(body.send_at, call.now).map_err(|error| {
            let detail = error.detail.clone();
            Problem::new(Code::ValidationFailed, detail).with_errors(vec![error])
        })?;
        let strict = body.mode != Some(BulkMode::Permissive);
        let (drafts, malformed) = drafts(body.messages, body.template.as_deref(), body.class);
        if !malformed.is_empty() && (strict || drafts.is_empty()) {
            return Err(malformed_batch(malformed).into());
        }
        let wanted = Wanted {
            from: body.from,
            send_at,
            mode: if strict { Mode::Strict } else { Mode::Permissive },
            drafts,
            trace: current_traceparent(),
            request_id: Some(call.request_id().to_owned()),
        };
        let mut tx = call.begin_once(digest).await?;
        call.admit(&mut tx, SendMessages::QUEUE, 1).await?;
        let verdicts = accept(&mut tx, call.app.db.ids(), call.now, measure, vec![wanted]).await?;
        match verdicts.into_iter().next() {
            Some(Verdict::Accepted { job, results }) => {
                let record = told(job, results, malformed);
                tx.finish(Accepted { job, run_at: send_at, record }).await
            }
            Some(Verdict::Refused(refusals)) => Err(refused::batch(refusals).into()),
            None => Err(Problem::internal("a call has no verdict").into()),
        }
    }
}

/// The drafts of a batch, and what is wrong with the items that make none, by their places.
fn drafts(
    items: Vec<MessageBatchItem>,
    template: Option<&str>,
    class: Option<MessagePurpose>,
) -> (Vec<Draft>, HashMap<usize, FieldError>) {
    let mut drafts = Vec::with_capacity(items.len());
    let mut malformed = HashMap::new();
    for (index, item) in items.into_iter().enumerate() {
        let MessageBatchItem { contact_id, to, template: own, variables, body } = item;
        let template = own.or_else(|| template.filter(|_| body.is_none()).map(str::to_owned));
        match draft(Fields { contact_id, to, template, variables, body }, class) {
            Ok(draft) => drafts.push(draft),
            Err(error) => {
                malformed.insert(index, error);
            }
        }
    }
    (drafts, malformed)
}

fn malformed_batch(malformed: HashMap<usize, FieldError>) -> Problem {
    let mut errors: Vec<_> = malformed.into_iter().collect();
    errors.sort_by_key(|(index, _)| *index);
    let at = |(index, error): (usize, FieldError)| FieldError {
        pointer: format!("/messages/{index}{}", error.pointer),
        ..error
    };
    Problem::of(Code::ValidationFailed).with_errors(errors.into_iter().map(at).collect())
}

/// One result for each item, the malformed ones in their places.
fn told(
    job: JobId,
    results: Vec<Result<domain::Message, Vec<Refusal>>>,
    mut malformed: HashMap<usize, FieldError>,
) -> MessageBatch {
    let total = results.len() + malformed.len();
    let mut results = results.into_iter();
    let mut batch = MessageBatch { job_id: Id(job), accepted: 0, refused: 0, results: Vec::with_capacity(total) };
    for (place, index) in (0..total).zip(0_u32..) {
        let mut result = BulkResult { index, record: None, error: None };
        match malformed.remove(&place) {
            Some(error) => result.error = Some(BulkError::at(index, error)),
            None => match results.next() {
                Some(Ok(message)) => {
                    let domain::Message { id, to_address, segments, .. } = message;
                    result.record = Some(AcceptedMessage { id: Id(id), to: to_address, segments });
                }
                Some(Err(refusals)) => result.error = refused::item(place, refusals),
                None => {}
            },
        }
        if result.record.is_some() {
            batch.accepted += 1;
        } else {
            batch.refused += 1;
        }
        batch.results.push(result);
    }
    batch
}
