//! Brings a database up to this program's SQL, or takes it back.
//!
//! Two sets of migrations, the queue's and ours, are merged by version, so that ours may build on the ledger.
//! Each runs in its own transaction. Any number of processes may migrate at once: the first one works, the others
//! wait and find nothing left to do. Rejected: migrating at the start of every service (a service's login
//! should own nothing), and `diesel_cli` (needs libpq, which a fresh machine lacks).
//! It needs a session: give it PostgreSQL's own URL, not that of a PgBouncer in transaction mode.

mod catalogue;
mod session;

use secrecy::SecretString;

use crate::error::DbError;
use session::Session;

/// Days of ledger partitions that exist after a migration; the scheduler keeps them ahead from then on.
const PARTITION_DAYS: i32 = 8;

/// Why the database could not be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The server is older than the SQL needs.
    #[error("PostgreSQL {found} is too old: 14 or newer is needed")]
    ServerTooOld {
        /// The server's own version text.
        found: String,
    },
    /// Another process held the migration lock for ten minutes.
    #[error("another process is migrating this database and does not finish")]
    Locked,
    /// The database is ahead of this program, or its history is another one.
    #[error("this program has no migration {version} to revert")]
    Unknown {
        /// The version that the database says is applied.
        version: String,
    },
    /// The SQL of one migration failed; everything before it stays applied, nothing of it does.
    #[error("a migration failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database could not be reached or failed otherwise.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A migration and whether it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `<version>_<name>`, the folder of its SQL.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

/// Applies what is missing and makes the ledger's next partitions. Answers the names of what was applied.
///
/// # Errors
/// See [`MigrateError`].
pub async fn up(url: &SecretString) -> Result<Vec<String>, MigrateError> {
    let (session, applied) = Session::open(url).await?.apply(usize::MAX).await?;
    session.ensure_partitions(PARTITION_DAYS).await?;
    Ok(applied)
}

/// Applies at most `steps` of what is missing, and nothing else. Answers the names.
///
/// # Errors
/// See [`MigrateError`].
pub async fn up_by(url: &SecretString, steps: usize) -> Result<Vec<String>, MigrateError> {
    Ok(Session::open(url).await?.apply(steps).await?.1)
}

/// Reverts the latest `steps` migrations, newest first. Answers their names.
///
/// # Errors
/// See [`MigrateError`].
pub async fn down(url: &SecretString, steps: usize) -> Result<Vec<String>, MigrateError> {
    Ok(Session::open(url).await?.revert(steps).await?.1)
}

/// Every migration of this program in order, and whether the database has it.
///
/// # Errors
/// See [`MigrateError`].
pub async fn status(url: &SecretString) -> Result<Vec<Status>, MigrateError> {
    Ok(Session::open(url).await?.status().await?.1)
}
