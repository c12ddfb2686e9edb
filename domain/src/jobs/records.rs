//! What the record behind a job must do when the job is cancelled or lives again, in the same transaction.
//!
//! One arm a kind: a job that works on records of its own adds its arm here and nothing else. A kind without one has
//! nothing to bring back.

use diesel::QueryableByName;
use diesel::sql_types::{Array, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use patchbay_db::ids::{ImportId, JobId, MessageId, TenantId};
use patchbay_db::{DbResult, Tx};
use patchbay_jobs::imports::ImportLeads;
use patchbay_jobs::messages::SendMessages;
use patchbay_queue::Job;
use patchbay_queue::sql::statement;

use crate::events::Cause;
use crate::{imports, messages};

/// Makes the records of redriven `jobs` (all of `kind`, whosever) ready for another run.
///
/// # Errors
/// The database's.
pub(super) async fn redriven(conn: &mut AsyncPgConnection, kind: &str, jobs: &[(TenantId, JobId)]) -> DbResult<()> {
    match kind {
        SendMessages::KIND => {
            let failed = failed_messages(conn, jobs).await?;
            messages::redrive::requeue_for_redrive(conn, &failed).await.map(drop)
        }
        // `imports.leads` takes a failed import up again by itself.
        _ => Ok(()),
    }
}

/// Stops the records of a `job` that was cancelled while it waited.
///
/// # Errors
/// The database's.
pub(super) async fn cancelled(
    tx: &mut Tx,
    cause: &Cause<'_>,
    kind: &str,
    job: JobId,
    subject: Option<&str>,
) -> DbResult<()> {
    match kind {
        SendMessages::KIND => messages::cancel::cancel_of_job(tx, job).await.map(drop),
        ImportLeads::KIND => match subject.and_then(|subject| subject.parse::<ImportId>().ok()) {
            Some(import) => imports::store::cancel(tx, cause, import).await.map(drop),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

#[derive(QueryableByName)]
struct Message {
    #[diesel(sql_type = Uuid)]
    id: MessageId,
}

/// The messages of `jobs` that failed for good.
async fn failed_messages(conn: &mut AsyncPgConnection, jobs: &[(TenantId, JobId)]) -> DbResult<Vec<MessageId>> {
    let (tenants, ids): (Vec<_>, Vec<_>) = jobs.iter().copied().unzip();
    let rows: Vec<Message> = statement(
        "SELECT m.id FROM unnest($1, $2) AS j (tenant_id, id)
         JOIN messages m ON m.tenant_id = j.tenant_id AND m.job_id = j.id AND m.state IN ('failed', 'undelivered')",
    )
    .bind::<Array<Uuid>, _>(tenants)
    .bind::<Array<Uuid>, _>(ids)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
