//! What providers told us, raw: stored before it is answered, understood afterwards by a job.
//!
//! Receipts are perishable (some providers send each once), so nothing about their content is checked before they
//! are kept; one that cannot be read is kept too.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bytea, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{JobId, ProviderAccountId, ProviderEventId};
use patchbay_db::{DbResult, Ids, Tx, TypedId};
use patchbay_jobs::messages::{ApplyReceipts, TakeInbound};
use patchbay_queue::sql::statement;
use patchbay_queue::{JobRequest, NewJob};

use crate::words::words;

words! {
    /// What a webhook is about.
    RawKind {
        /// A delivery receipt.
        Status = "status",
        /// A message from a contact.
        Inbound = "inbound",
    }
}

/// A verified webhook on its way into the store.
#[derive(Debug)]
pub struct NewRaw {
    /// The account it came to.
    pub account: ProviderAccountId,
    /// What it is about.
    pub kind: RawKind,
    /// Its body, byte for byte.
    pub body: Vec<u8>,
    /// Its query, byte for byte.
    pub query: String,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// W3C `traceparent` and request id.
    pub cause: (Option<String>, Option<String>),
}

const INSERT: &str = "
INSERT INTO provider_events (tenant_id, id, provider_account_id, type, body, query, job_id, received_at)
SELECT $1, n.id, n.account_id, n.type, n.body, n.query, n.job_id, n.received_at
FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::uuid[], $8::timestamptz[])
    AS n (id, account_id, type, body, query, job_id, received_at)";

/// Stores `events` with one job for each kind among them.
///
/// # Errors
/// The database's; `Reference` where an account is gone.
pub async fn store(tx: &mut Tx, ids: &Ids, now: DateTime<Utc>, events: &[NewRaw]) -> DbResult<()> {
    let tenant = tx.tenant();
    let mut jobs: Vec<NewJob> = Vec::new();
    let mut job_of = |kind: RawKind, cause: &(Option<String>, Option<String>), total: i32| {
        let id: JobId = ids.make(now);
        let (trace, request) = cause.clone();
        jobs.push(match kind {
            RawKind::Status => JobRequest::new(id.uuid(), tenant.uuid(), ApplyReceipts {})
                .caused_by(trace, request)
                .total(total)
                .into(),
            RawKind::Inbound => {
                JobRequest::new(id.uuid(), tenant.uuid(), TakeInbound {}).caused_by(trace, request).total(total).into()
            }
        });
        id
    };
    let mut job = |kind: RawKind| {
        let of_kind = || events.iter().filter(|event| event.kind == kind);
        let total = i32::try_from(of_kind().count()).unwrap_or(i32::MAX);
        of_kind().next().map(|first| job_of(kind, &first.cause, total))
    };
    let (status, inbound) = (job(RawKind::Status), job(RawKind::Inbound));
    let job_ids: Vec<Option<JobId>> =
        events.iter().map(|e| if e.kind == RawKind::Status { status } else { inbound }).collect();
    statement(INSERT)
        .bind::<Uuid, _>(tenant)
        .bind::<Array<Uuid>, _>(events.iter().map(|_| ids.make::<ProviderEventId>(now)).collect::<Vec<_>>())
        .bind::<Array<Uuid>, _>(events.iter().map(|e| e.account).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(events.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>())
        .bind::<Array<Bytea>, _>(events.iter().map(|e| e.body.as_slice()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(events.iter().map(|e| e.query.as_str()).collect::<Vec<_>>())
        .bind::<Array<diesel::sql_types::Nullable<Uuid>>, _>(job_ids)
        .bind::<Array<Timestamptz>, _>(events.iter().map(|e| e.received_at).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    tx.enqueue_all(jobs).await?;
    Ok(())
}

/// A stored webhook that is not processed.
#[derive(QueryableByName)]
pub struct Raw {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: ProviderEventId,
    /// The account it came to.
    #[diesel(sql_type = Uuid)]
    pub provider_account_id: ProviderAccountId,
    /// The account's provider.
    #[diesel(sql_type = Text)]
    pub provider: String,
    /// Its body.
    #[diesel(sql_type = Bytea)]
    pub body: Vec<u8>,
    /// Its query.
    #[diesel(sql_type = Text)]
    pub query: String,
    /// When it came.
    #[diesel(sql_type = Timestamptz)]
    pub received_at: DateTime<Utc>,
}

impl std::fmt::Debug for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Raw").field("id", &self.id).field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// The next webhooks of `job` that are not processed, oldest first.
///
/// # Errors
/// The database's.
pub async fn open(tx: &mut Tx, job: JobId, limit: i64) -> DbResult<Vec<Raw>> {
    const OPEN: &str = "
        SELECT e.id, e.provider_account_id, a.kind AS provider, e.body, e.query, e.received_at
        FROM provider_events e JOIN provider_accounts a ON a.id = e.provider_account_id
        WHERE e.job_id = $1 AND e.processed_at IS NULL ORDER BY e.id LIMIT $2";
    Ok(statement(OPEN).bind::<Uuid, _>(job).bind::<BigInt, _>(limit).load(tx).await?)
}

/// Marks webhooks as processed.
///
/// # Errors
/// The database's.
pub async fn close(tx: &mut Tx, events: &[ProviderEventId]) -> DbResult<()> {
    const CLOSE: &str = "UPDATE provider_events SET processed_at = now() WHERE id = ANY ($1)";
    statement(CLOSE).bind::<Array<Uuid>, _>(events).execute(tx).await?;
    Ok(())
}
