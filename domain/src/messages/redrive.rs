//! Making failed messages ready to be sent once more, for the redrive of their dead letters.

use diesel::sql_types::{Array, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use patchbay_db::DbResult;
use patchbay_db::ids::MessageId;
use patchbay_queue::sql::statement;

// The failed send's name at the provider is kept apart, so that its late receipts cannot settle the next send. What is
// `sending` stays so: the job looks it up before it may be tried again.
const REQUEUE: &str = "
UPDATE messages SET
    state = 'queued',
    past_provider_ids = CASE WHEN provider_message_id IS NULL THEN past_provider_ids
        ELSE past_provider_ids || provider_message_id END,
    provider_message_id = NULL, error_code = NULL, error_detail = NULL, sent_at = NULL, check_at = NULL,
    updated_at = now()
WHERE id = ANY ($1) AND direction = 'outbound' AND state IN ('failed', 'undelivered')";

/// Queues those of `messages` that failed; call it in the transaction that redrives their jobs. Answers how many.
///
/// # Errors
/// The database's.
pub async fn requeue_for_redrive(conn: &mut AsyncPgConnection, messages: &[MessageId]) -> DbResult<usize> {
    Ok(statement(REQUEUE).bind::<Array<Uuid>, _>(messages).execute(conn).await?)
}
