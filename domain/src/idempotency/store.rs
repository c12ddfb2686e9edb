//! The SQL of stored answers.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Bool, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use patchbay_db::DbResult;
use patchbay_queue::sql::statement;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What a request with an idempotency key stands for.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Whose request it is; nil for the operator's.
    pub tenant: Uuid,
    /// The caller's key.
    pub key: String,
    /// The operation it is for.
    pub operation: String,
    /// A digest of everything that the request says.
    pub request: [u8; 32],
}

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, as an object of texts.
    pub headers: serde_json::Value,
    /// The body's bytes.
    pub body: Vec<u8>,
}

/// What became of taking a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is ours until the transaction ends.
    Fresh,
    /// Another transaction has it.
    Busy,
    /// It was answered before.
    Answered(Answer),
    /// It belongs to a request that says something else.
    Reused,
}

#[derive(QueryableByName)]
struct Row {
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

impl Slot {
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

/// Takes `slot` for the life of the transaction, or says why not. One round trip.
///
/// # Errors
/// As any query.
pub async fn take(conn: &mut AsyncPgConnection, slot: &Slot, now: DateTime<Utc>) -> DbResult<Taken> {
    let row: Row = statement(
        "SELECT pg_try_advisory_xact_lock($1) AS locked, k.request_hash, k.status, k.headers, k.body
         FROM (SELECT 1) one LEFT JOIN idempotency_keys k
           ON k.tenant_id = $2 AND k.key = $3 AND k.operation = $4 AND k.expires_at > $5",
    )
    .bind::<BigInt, _>(slot.lock())
    .bind::<SqlUuid, _>(slot.tenant)
    .bind::<Text, _>(&slot.key)
    .bind::<Text, _>(&slot.operation)
    .bind::<Timestamptz, _>(now)
    .get_result(conn)
    .await?;
    let taken = match (row.request_hash, row.status.and_then(|status| u16::try_from(status).ok())) {
        (Some(hash), _) if hash != slot.request => Taken::Reused,
        (Some(_), Some(status)) => Taken::Answered(Answer {
            status,
            headers: row.headers.unwrap_or_default(),
            body: row.body.unwrap_or_default(),
        }),
        _ if row.locked => Taken::Fresh,
        _ => Taken::Busy,
    };
    Ok(taken)
}

/// Keeps the answer until `expires_at`. False if another transaction was first after all: then nothing may be committed.
///
/// # Errors
/// As any write.
pub async fn keep(
    conn: &mut AsyncPgConnection,
    slot: &Slot,
    answer: Answer,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> DbResult<bool> {
    let written = statement(
        "INSERT INTO idempotency_keys AS k
           (tenant_id, key, operation, request_hash, status, headers, body, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (tenant_id, key, operation) DO UPDATE
           SET request_hash = excluded.request_hash, status = excluded.status, headers = excluded.headers,
               body = excluded.body, expires_at = excluded.expires_at
           WHERE k.expires_at <= $9",
    )
    .bind::<SqlUuid, _>(slot.tenant)
    .bind::<Text, _>(&slot.key)
    .bind::<Text, _>(&slot.operation)
    .bind::<Binary, _>(slot.request.as_slice())
    .bind::<SmallInt, _>(i16::try_from(answer.status).unwrap_or(i16::MAX))
    .bind::<Jsonb, _>(answer.headers)
    .bind::<Binary, _>(answer.body)
    .bind::<Timestamptz, _>(expires_at)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(written == 1)
}
