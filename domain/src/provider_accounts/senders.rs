//! An account's senders, set as a whole, with their rates in the queue's ledger.
//!
//! A sender is a lane in the `sends` queue, so the queue's own limits hold its rate; what the operator has set on that
//! lane stays as it is, whatever becomes of the sender. One sender a channel is the default; where none is, the oldest
//! becomes it, so that a tenant with one number never has to name it.

use std::collections::HashSet;

use diesel::QueryableByName;
use diesel::result::Error;
use diesel::sql_types::{Array, Bool, Double, Int4, Nullable, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ProviderAccountId, SenderId};
use patchbay_db::{DbError, DbResult, Tx, TypedId as _};
use patchbay_queue::lanes::RateLimit;
use patchbay_queue::sql::statement;

use super::limits;
use crate::messages::lane;
use crate::queues::control::OPERATOR;

/// The channel of every sender, so far.
pub(super) const CHANNEL: &str = "sms";

/// A sender to be.
#[derive(Debug, Clone)]
pub struct NewSender {
    /// Its id, if it is new.
    pub id: SenderId,
    /// What it sends from.
    pub address: String,
    /// Whether it is taken where a message names no sender.
    pub is_default: bool,
    /// Segments a second, where its owner sets them.
    pub rate_per_second: Option<f64>,
    /// The provider's usual rate for such a sender, which holds otherwise.
    pub usual_rate: f64,
}

/// Why senders could not be set.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// Another account of the tenant has one of the addresses.
    #[error("a sender belongs to another provider account")]
    Taken,
    /// The database's.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Error> for SenderError {
    fn from(error: Error) -> Self {
        Self::Db(error.into())
    }
}

const CLEAR_DEFAULT: &str = "UPDATE senders SET is_default = false WHERE channel = $1 AND is_default";

const UPSERT: &str = "
INSERT INTO senders AS s (tenant_id, id, provider_account_id, channel, address, is_default, rate_per_second)
SELECT $1, n.id, $2, $3, n.address, n.is_default, n.rate
FROM unnest($4::uuid[], $5::text[], $6::bool[], $7::float8[]) AS n (id, address, is_default, rate)
ON CONFLICT (tenant_id, channel, address) DO UPDATE
SET is_default = excluded.is_default, rate_per_second = excluded.rate_per_second
WHERE s.provider_account_id = excluded.provider_account_id";

const REMOVE: &str = "
WITH gone AS (
    DELETE FROM senders WHERE provider_account_id = $1 AND address <> ALL ($2) RETURNING address
)
DELETE FROM queue.limits WHERE queue = $3 AND lane IN (SELECT $4 || '~' || address FROM gone)
    AND set_by IS DISTINCT FROM $5";

const LIMITS: &str = "
INSERT INTO queue.limits AS l (tenant_id, queue, lane, rate_per_second, burst)
SELECT $1, $2, n.lane, n.rate, n.burst FROM unnest($3::text[], $4::float8[], $5::int4[]) AS n (lane, rate, burst)
ON CONFLICT (tenant_id, queue, lane) DO UPDATE
SET rate_per_second = excluded.rate_per_second, burst = excluded.burst, updated_at = now()
WHERE l.set_by IS DISTINCT FROM $6
RETURNING l.lane";

const ENSURE_DEFAULT: &str = "
UPDATE senders SET is_default = true
WHERE id = (SELECT id FROM senders WHERE channel = $1 ORDER BY id LIMIT 1)
    AND NOT EXISTS (SELECT FROM senders WHERE channel = $1 AND is_default)";

#[derive(QueryableByName)]
struct Lane {
    #[diesel(sql_type = Text)]
    lane: String,
}

/// Makes `senders` the senders of the account: new ones are added, known ones changed, the others removed. Answers the
/// rates that are new: all but those of lanes on which the operator has set something.
///
/// # Errors
/// [`SenderError::Taken`]; the database's.
pub async fn put_senders(
    tx: &mut Tx,
    account: ProviderAccountId,
    senders: &[NewSender],
) -> Result<Vec<RateLimit>, SenderError> {
    let tenant = tx.tenant();
    let addresses: Vec<&str> = senders.iter().map(|s| s.address.as_str()).collect();
    let mut limits = limits::of(tenant.uuid(), account, senders);
    if senders.iter().any(|s| s.is_default) {
        statement(CLEAR_DEFAULT).bind::<Text, _>(CHANNEL).execute(tx).await?;
    }
    let written = statement(UPSERT)
        .bind::<Uuid, _>(tenant)
        .bind::<Uuid, _>(account)
        .bind::<Text, _>(CHANNEL)
        .bind::<Array<Uuid>, _>(senders.iter().map(|s| s.id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(&addresses)
        .bind::<Array<Bool>, _>(senders.iter().map(|s| s.is_default).collect::<Vec<_>>())
        .bind::<Array<Nullable<Double>>, _>(senders.iter().map(|s| s.rate_per_second).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    if written != senders.len() {
        return Err(SenderError::Taken);
    }
    statement(REMOVE)
        .bind::<Uuid, _>(account)
        .bind::<Array<Text>, _>(&addresses)
        .bind::<Text, _>(limits::QUEUE)
        .bind::<Text, _>(lane::of_account(account))
        .bind::<Text, _>(OPERATOR)
        .execute(tx)
        .await?;
    let set: Vec<Lane> = statement(LIMITS)
        .bind::<Uuid, _>(tenant)
        .bind::<Text, _>(limits::QUEUE)
        .bind::<Array<Text>, _>(limits.iter().map(|limit| limit.lane.lane.as_str()).collect::<Vec<_>>())
        .bind::<Array<Double>, _>(limits.iter().map(|limit| limit.rate_per_second).collect::<Vec<_>>())
        .bind::<Array<Int4>, _>(limits.iter().map(|limit| limit.burst).collect::<Vec<_>>())
        .bind::<Text, _>(OPERATOR)
        .load(&mut **tx)
        .await?;
    let set: HashSet<String> = set.into_iter().map(|row| row.lane).collect();
    limits.retain(|limit| set.contains(&limit.lane.lane));
    ensure_default(tx).await?;
    Ok(limits)
}

/// Where no sender is the default, the oldest becomes it.
pub(super) async fn ensure_default(tx: &mut Tx) -> DbResult<()> {
    statement(ENSURE_DEFAULT).bind::<Text, _>(CHANNEL).execute(tx).await?;
    Ok(())
}
