//! `Idempotency-Key`: a POST that is repeated is done once and answered twice.
//!
//! The answer is stored by the transaction that makes the record, so there is no moment in which one exists without the
//! other, and a crash at any instant leaves both or none. A lock for that transaction's life, on tenant, key and
//! operation, turns a second request away while the first runs; the primary key stops whatever the lock let through.
//!
//! What is kept: only answers of success. A refusal changed nothing, so the same key may be used again once its
//! cause is gone; Stripe likewise keeps no answer of a request that failed its checks. Answers are kept for 24 h
//! from the planned time of the work. Another body under the same key is refused for as long.
//! Rejected: storing before and after in transactions of their own, which needs a repair for crashes in between, and
//! a table row as the lock, which outlives its holder.

use std::ops::{Deref, DerefMut};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{Binary, Bool, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel::QueryableByName;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use patchbay_db::{DbError, DbResult, SystemTx, Tx};
use patchbay_queue::sql::statement;
use poem::http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    body::BodyDigest,
    code::Code,
    problem::{FieldError, Problem},
    reply::{Answer, Handled, Refusal, Rendered, Reply, Written},
};

/// The header.
pub const HEADER: &str = "idempotency-key";

const KEPT: TimeDelta = TimeDelta::hours(24);
const MAX: usize = 255;

/// A transaction that an answer can be stored in.
pub trait Unit: DerefMut<Target = AsyncPgConnection> + Send + Sized {
    /// Makes everything real.
    fn commit(self) -> impl Future<Output = DbResult<()>> + Send;
}

impl Unit for Tx {
    async fn commit(self) -> DbResult<()> {
        Self::commit(self).await
    }
}

impl Unit for SystemTx {
    async fn commit(self) -> DbResult<()> {
        Self::commit(self).await
    }
}

/// The key that a request came with, and what it stands for.
#[derive(Debug, Clone)]
pub struct Slot {
    tenant: Uuid,
    key: String,
    operation: String,
    request: [u8; 32],
}

impl Slot {
    /// The slot of a request, if it has a key. `operation` is its method and route, `target` its method, path and query.
    ///
    /// # Errors
    /// `invalid_request` if the key is empty, too long or not visible ASCII.
    pub fn of(headers: &HeaderMap, tenant: Uuid, operation: &str, target: &str, body: BodyDigest) -> Result<Option<Self>, Problem> {
        let Some(value) = headers.get(HEADER) else { return Ok(None) };
        let fits = |text: &&str| (1..=MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        let Some(key) = value.to_str().ok().filter(fits) else {
            let field = FieldError::new("Idempotency-Key", "invalid", "1 to 255 characters of visible ASCII.");
            return Err(Problem::new(Code::InvalidRequest, "The header Idempotency-Key is not valid.").with_errors(vec![field]));
        };
        let request = Sha256::new().chain_update(target).chain_update([0]).chain_update(body.0).finalize().into();
        Ok(Some(Self { tenant, key: key.to_owned(), operation: operation.to_owned(), request }))
    }

    fn lock(&self) -> i64 {
        let hash = Sha256::new()
            .chain_update(self.tenant.as_bytes())
            .chain_update(&self.operation)
            .chain_update([0])
            .chain_update(&self.key)
            .finalize();
        let first: [u8; 8] = hash[..8].try_into().expect("a SHA-256 has 32 bytes");
        i64::from_be_bytes(first)
    }
}

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = Bool)]
    locked: bool,
    #[diesel(sql_type = Nullable<Binary>)]
    request_hash: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    status: Option<i16>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    headers: Option<serde_json::Value>,
    #[diesel(sql_type = Nullable<Binary>)]
    body: Option<Vec<u8>>,
}

/// A transaction that answers at most once for its idempotency key. Dereferences to the transaction.
pub struct Once<T: Unit> {
    tx: T,
    slot: Option<Slot>,
    now: DateTime<Utc>,
}

impl<T: Unit> Deref for Once<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.tx
    }
}

impl<T: Unit> DerefMut for Once<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.tx
    }
}

impl<T: Unit> Once<T> {
    /// Takes the slot, if there is one, for the life of `tx`.
    ///
    /// # Errors
    /// The stored answer, if the request was answered before; `idempotency_in_progress` while it is being answered;
    /// `idempotency_key_reused` if the key belongs to another request.
    pub async fn begin(mut tx: T, slot: Option<Slot>, now: DateTime<Utc>) -> Handled<Self> {
        if let Some(slot) = &slot {
            take(&mut tx, slot, now).await?;
        }
        Ok(Self { tx, slot, now })
    }

    /// Stores the answer and commits it with everything else.
    ///
    /// # Errors
    /// `idempotency_in_progress` if another request was first after all; then nothing of this one is kept.
    pub async fn finish<R: Reply>(mut self, reply: R) -> Written<R> {
        let rendered = reply.render();
        if let Some(slot) = &self.slot {
            let from = reply.scheduled_at().map_or(self.now, |at| at.max(self.now));
            store(&mut self.tx, slot, &rendered, self.now, from + KEPT).await?;
        }
        self.tx.commit().await?;
        Ok(Answer::of(rendered))
    }
}

async fn take(conn: &mut AsyncPgConnection, slot: &Slot, now: DateTime<Utc>) -> Handled<()> {
    let stored: Stored = statement(
        "SELECT pg_try_advisory_xact_lock($1) AS locked, k.request_hash, k.status, k.headers, k.body
         FROM (SELECT 1) one LEFT JOIN idempotency_keys k
           ON k.tenant_id = $2 AND k.key = $3 AND k.operation = $4 AND k.expires_at > $5",
    )
    .bind::<diesel::sql_types::BigInt, _>(slot.lock())
    .bind::<SqlUuid, _>(slot.tenant)
    .bind::<Text, _>(&slot.key)
    .bind::<Text, _>(&slot.operation)
    .bind::<Timestamptz, _>(now)
    .get_result(conn)
    .await
    .map_err(DbError::from)?;
    match (stored.request_hash, stored.status) {
        (Some(hash), _) if hash != slot.request => Err(Problem::new(
            Code::IdempotencyKeyReused,
            "This Idempotency-Key belongs to a request with another body or path.",
        )
        .into()),
        (Some(_), Some(status)) => {
            let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
            let status = status.ok_or_else(|| Problem::internal("a stored answer has no valid status"))?;
            let location = stored.headers.and_then(|headers| Some(headers.get("location")?.as_str()?.to_owned()));
            let body = stored.body.unwrap_or_default().into();
            Err(Refusal::Replay(Rendered { status, location, body, replayed: true }))
        }
        _ if stored.locked => Ok(()),
        _ => Err(in_progress().into()),
    }
}

async fn store(
    conn: &mut AsyncPgConnection,
    slot: &Slot,
    rendered: &Rendered,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Problem> {
    let status = i16::try_from(rendered.status.as_u16()).map_err(Problem::internal)?;
    let headers = serde_json::json!({ "location": rendered.location });
    let written = statement(
        "INSERT INTO idempotency_keys AS k
           (tenant_id, key, operation, request_hash, locked_until, status, headers, body, expires_at)
         VALUES ($1, $2, $3, $4, $9, $5, $6, $7, $8)
         ON CONFLICT (tenant_id, key, operation) DO UPDATE
           SET request_hash = excluded.request_hash, locked_until = excluded.locked_until, status = excluded.status,
               headers = excluded.headers, body = excluded.body, expires_at = excluded.expires_at
           WHERE k.expires_at <= $9",
    )
    .bind::<SqlUuid, _>(slot.tenant)
    .bind::<Text, _>(&slot.key)
    .bind::<Text, _>(&slot.operation)
    .bind::<Binary, _>(slot.request.as_slice())
    .bind::<SmallInt, _>(status)
    .bind::<Jsonb, _>(headers)
    .bind::<Binary, _>(rendered.body.as_ref())
    .bind::<Timestamptz, _>(expires_at)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await
    .map_err(DbError::from)?;
    if written == 1 { Ok(()) } else { Err(in_progress()) }
}

fn in_progress() -> Problem {
    Problem::new(Code::IdempotencyInProgress, "The first request with this Idempotency-Key has not finished.")
        .retry_after(std::time::Duration::from_secs(1))
}
