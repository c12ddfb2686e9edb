//! What providers told us, raw: stored before it is answered, understood afterwards by a job.
//!
//! Receipts are perishable (some providers send each once), so nothing about their content is checked before they
//! are kept; one that cannot be read is kept too. The job's payload is where they are kept.

use chrono::{DateTime, Utc};
use patchbay_db::ids::JobId;
use patchbay_db::{DbResult, Ids, Tx, TypedId};
use patchbay_jobs::messages::{ApplyReceipts, TakeInbound};
use patchbay_jobs::webhook::Webhook;
use patchbay_queue::{Job, JobRequest, NewJob};

/// Bytes of webhooks in one job: what waits in Redis is bounded by it. (One webhook may be larger; the API's limit on
/// bodies is the bound then.)
const JOB_BYTES: usize = 64 * 1024;

/// What a webhook is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawKind {
    /// A delivery receipt.
    Status,
    /// A message from a contact.
    Inbound,
}

/// A verified webhook on its way into the store.
#[derive(Debug)]
pub struct NewRaw {
    /// What it is about.
    pub kind: RawKind,
    /// The webhook.
    pub webhook: Webhook,
    /// W3C `traceparent` and request id.
    pub cause: (Option<String>, Option<String>),
}

/// Stores `events` as jobs, of as many webhooks each as a job may hold.
///
/// # Errors
/// The database's.
pub async fn store(tx: &mut Tx, ids: &Ids, now: DateTime<Utc>, events: Vec<NewRaw>) -> DbResult<()> {
    let (status, inbound): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| event.kind == RawKind::Status);
    let mut jobs = in_jobs(tx, ids, now, status, |webhooks| ApplyReceipts { webhooks });
    jobs.extend(in_jobs(tx, ids, now, inbound, |webhooks| TakeInbound { webhooks }));
    tx.enqueue_all(jobs).await?;
    Ok(())
}

fn in_jobs<J: Job>(
    tx: &Tx,
    ids: &Ids,
    now: DateTime<Utc>,
    events: Vec<NewRaw>,
    job: impl Fn(Vec<Webhook>) -> J,
) -> Vec<NewJob> {
    let mut jobs = Vec::new();
    let mut events = events.into_iter().peekable();
    while let Some(first) = events.next() {
        let (trace, request) = first.cause;
        let mut bytes = size(&first.webhook);
        let mut webhooks = vec![first.webhook];
        while let Some(next) = events.next_if(|next| bytes + size(&next.webhook) <= JOB_BYTES) {
            bytes += size(&next.webhook);
            webhooks.push(next.webhook);
        }
        let total = i32::try_from(webhooks.len()).unwrap_or(i32::MAX);
        let request = JobRequest::new(ids.make::<JobId>(now).uuid(), tx.tenant().uuid(), job(webhooks))
            .caused_by(trace, request)
            .total(total);
        jobs.push(request.into());
    }
    jobs
}

fn size(webhook: &Webhook) -> usize {
    webhook.body.len() + webhook.query.len()
}
