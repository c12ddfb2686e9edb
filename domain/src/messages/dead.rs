//! A message that failed for good becomes a dead letter of its own.
//!
//! Dead letters are jobs, and a batch is one job: to be listed, filtered and redriven one by one, each failed message
//! of a batch (and each that a late receipt fails, its job long done) is moved to a new `messages.send` job that
//! is dead from the start. A batch that ends dead as a whole was rejected: its redrive would be about a thousand
//! messages of which three failed.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bytea, Int2, Int4, Jsonb, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{EventId, JobId, MessageId};
use patchbay_db::{DbResult, Ids, Tx, TypedId};
use patchbay_jobs::messages::SendMessages;
use patchbay_queue::Job;
use patchbay_queue::ledger::attempt::Attempt;
use patchbay_queue::ledger::dead;
use patchbay_queue::sql::statement;

/// One message that failed for good.
#[derive(Debug, Clone)]
pub struct Failed {
    /// The message.
    pub message: MessageId,
    /// Why, as a stable code.
    pub code: String,
    /// Why, for a person.
    pub detail: String,
}

const SPLIT_OFF: &str = "
WITH n AS (
    SELECT n.*, m.from_address, m.provider_account_id, m.segments
    FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $15::uuid[], $16::text[])
        AS n (job_id, message_id, subject, last_error, failure, event_id, job)
    JOIN messages m ON m.id = n.message_id
), moved AS (
    UPDATE messages m SET job_id = n.job_id FROM n WHERE m.id = n.message_id
), told AS (
    -- What the trigger on queue.jobs writes for one that dies; these never lived.
    INSERT INTO events (tenant_id, id, type, subject, payload, occurred_at)
    SELECT $1, n.event_id, 'job.dead_lettered', n.job,
        jsonb_build_object('kind', $8::text, 'queue', $7::text, 'subject', n.subject, 'error_class', 'permanent',
            'error_code', n.failure ->> 'code', 'errors', 1, 'crashes', 0), $12
    FROM n
)
INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, lane, priority, cost, state, payload, subject, run_at,
    max_attempts, errors, finished_at, error_class, last_error, attempts, progress_total)
SELECT $1, n.job_id, $7, $8, $9, public_id('pac', n.provider_account_id) || '~' || n.from_address, $10, n.segments, 'dead', $11, n.subject, $12,
    $13, 1, $12, 'permanent', n.last_error, jsonb_build_array(n.failure), $14
FROM n";

/// Makes a dead letter for each of `failed`, said to have failed at `worker`.
///
/// # Errors
/// The database's.
pub async fn split_off(tx: &mut Tx, ids: &Ids, now: DateTime<Utc>, worker: &str, failed: &[Failed]) -> DbResult<()> {
    if failed.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant();
    let failures = failed.iter().map(|f| {
        let attempt = Attempt {
            at: now,
            worker: worker.to_owned(),
            duration_ms: 0,
            class: "permanent",
            code: f.code.clone(),
            detail: f.detail.clone(),
            times: 1,
        };
        attempt.trimmed().to_json()
    });
    let payload = serde_json::to_vec(&SendMessages { messages: 1 }).expect("an empty payload serialises");
    let jobs: Vec<JobId> = failed.iter().map(|_| ids.make(now)).collect();
    statement(SPLIT_OFF)
        .bind::<Uuid, _>(tenant)
        .bind::<Array<Uuid>, _>(&jobs)
        .bind::<Array<Uuid>, _>(failed.iter().map(|f| f.message).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(failed.iter().map(|f| f.message.to_string()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(failed.iter().map(|f| format!("{}: {}", f.code, f.detail)).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(failures.collect::<Vec<_>>())
        .bind::<Text, _>(SendMessages::QUEUE)
        .bind::<Text, _>(SendMessages::KIND)
        .bind::<Int2, _>(SendMessages::VERSION)
        .bind::<Int2, _>(SendMessages::POLICY.priority)
        .bind::<Bytea, _>(payload)
        .bind::<Timestamptz, _>(now)
        .bind::<Int2, _>(SendMessages::POLICY.max_attempts)
        .bind::<Int4, _>(1)
        .bind::<Array<Uuid>, _>(failed.iter().map(|_| ids.make::<EventId>(now)).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(jobs.iter().map(ToString::to_string).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// Puts away the dead letters `jobs`: what they gave up on was delivered after all.
///
/// # Errors
/// The database's.
pub async fn put_away(tx: &mut Tx, jobs: &[JobId]) -> DbResult<()> {
    if !jobs.is_empty() {
        let tenant = tx.tenant().uuid();
        let ids: Vec<uuid::Uuid> = jobs.iter().map(|id| id.uuid()).collect();
        dead::discard(tx, tenant, &ids).await?;
    }
    Ok(())
}
