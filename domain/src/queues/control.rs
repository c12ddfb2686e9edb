//! Pausing, resuming and limiting: into the ledger in the caller's transaction, into Redis after its commit.
//!
//! What the operator has set on a tenant's key or paused of a tenant's share is the operator's: the tenant's own keys may
//! read it and no more, because it is what the tenant's plan allows, or what it has not paid. `queue.limits.set_by` and
//! `queue.pauses.paused_by` say whose a record is.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use patchbay_db::DbResult;
use patchbay_queue::lanes::{Limit, PauseScope};
use patchbay_queue::ledger::controls;
use patchbay_queue::sql::statement;
use patchbay_queue::{LaneName, Lanes};

/// What somebody decided about a queue.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Nothing of this scope starts, until then or until it is resumed.
    Pause {
        /// What.
        scope: PauseScope,
        /// Until when.
        until: Option<DateTime<Utc>>,
        /// Why, for whoever asks why a job waits.
        reason: String,
    },
    /// The scope's pause is over.
    Resume(PauseScope),
    /// All that is set on a key from now on; an empty limit lifts what was.
    Limit(Limit),
}

/// The operator, in `set_by` and `paused_by`.
pub const OPERATOR: &str = "system";

/// Whether the operator has decided about the same already, so that `decision` is not a tenant's to make.
///
/// # Errors
/// The database's.
pub async fn is_the_operators(conn: &mut AsyncPgConnection, queue: &str, decision: &Decision) -> DbResult<bool> {
    match decision {
        Decision::Pause { scope, .. } | Decision::Resume(scope) => {
            Ok(controls::paused_by(conn, queue, scope).await?.as_deref() == Some(OPERATOR))
        }
        Decision::Limit(limit) => has_limited(conn, queue, limit).await,
    }
}

/// Writes down what `by` decided about `queue`. Call [`enforce`] after the commit.
///
/// # Errors
/// The database's; the application's role may decide about its tenant only.
pub async fn decide(conn: &mut AsyncPgConnection, queue: &str, decision: &Decision, by: &str) -> DbResult<()> {
    match decision {
        Decision::Pause { scope, until, reason } => {
            controls::pause(conn, queue, scope, *until, reason, by).await?;
        }
        Decision::Resume(scope) => {
            controls::resume(conn, queue, scope).await?;
        }
        Decision::Limit(limit) => {
            controls::set_limit(conn, queue, limit).await?;
            sign(conn, queue, &limit.lane, by).await?;
        }
    }
    Ok(())
}

/// Puts a committed decision into force at once. Where Redis does not answer, repair does it from the ledger.
pub async fn enforce(lanes: &Lanes, queue: &str, decision: &Decision) {
    let done = match decision {
        Decision::Pause { scope, until, .. } => {
            lanes.pause(queue, scope, until.map(|until| until.timestamp_millis())).await
        }
        Decision::Resume(scope) => lanes.resume(queue, scope).await,
        Decision::Limit(limit) => lanes.set_limits(queue, std::slice::from_ref(limit)).await,
    };
    if let Err(error) = done {
        tracing::warn!(queue, %error, "a decision is not in force yet; dispatcher repair will see to it");
    }
}

async fn sign(conn: &mut AsyncPgConnection, queue: &str, lane: &LaneName, by: &str) -> DbResult<()> {
    statement("UPDATE queue.limits SET set_by = $4 WHERE queue = $1 AND tenant_id = $2 AND lane = $3")
        .bind::<Text, _>(queue)
        .bind::<SqlUuid, _>(lane.tenant)
        .bind::<Text, _>(&lane.lane)
        .bind::<Text, _>(by)
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Owner {
    #[diesel(sql_type = Nullable<Text>)]
    set_by: Option<String>,
}

/// Whether the operator has set what `limit` would replace: what stands on its key, or the hours that the key has in every
/// queue, since those of one queue go before them.
async fn has_limited(conn: &mut AsyncPgConnection, queue: &str, limit: &Limit) -> DbResult<bool> {
    let rows: Vec<Owner> = statement(
        "SELECT set_by FROM queue.limits WHERE tenant_id = $2 AND lane = $3
            AND (queue = $1 OR queue = '*' AND hours IS NOT NULL AND $4) FOR UPDATE",
    )
    .bind::<Text, _>(queue)
    .bind::<SqlUuid, _>(limit.lane.tenant)
    .bind::<Text, _>(&limit.lane.lane)
    .bind::<Bool, _>(limit.hours.is_some())
    .load(conn)
    .await?;
    Ok(rows.iter().any(|row| row.set_by.as_deref() == Some(OPERATOR)))
}
