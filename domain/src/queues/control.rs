//! Pausing, resuming and slowing down: into the ledger in the caller's transaction, into Redis after its commit.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use patchbay_db::DbResult;
use patchbay_queue::Lanes;
use patchbay_queue::lanes::{PauseScope, RateLimit};
use patchbay_queue::ledger::controls;

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
    /// A lane's rate.
    Limit(RateLimit),
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
        Decision::Limit(limit) => controls::set_limit(conn, queue, limit).await?,
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
