//! Recording what became of sends. The statement is `record.sql`.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Double, Int2, Nullable, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ContactId, MessageId};
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::super::state::MessageState;

/// What became of one attempt.
#[derive(Debug, Clone)]
pub struct Report {
    /// The message.
    pub message: MessageId,
    /// The attempt, as claimed.
    pub attempt: i16,
    /// What the message becomes; `queued` for one that has not left and is to be tried again.
    pub state: MessageState,
    /// The provider's id, where it took the message.
    pub provider_id: Option<String>,
    /// Why it failed.
    pub code: Option<String>,
    /// The same for a person.
    pub detail: Option<String>,
}

/// A message whose report was recorded.
#[derive(Debug, Clone, QueryableByName)]
pub struct Recorded {
    /// The message.
    #[diesel(sql_type = Uuid)]
    pub id: MessageId,
    /// Whom it concerns.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub contact_id: Option<ContactId>,
    /// What it became.
    #[diesel(sql_type = Text)]
    pub state: MessageState,
    /// Why it failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub error_code: Option<String>,
}

/// Records `reports`; answers the messages that took them. The others had been settled by a receipt, or the attempt
/// is not theirs any more.
///
/// # Errors
/// The database's.
pub async fn record(tx: &mut Tx, reports: &[Report], check_after: Duration) -> DbResult<Vec<Recorded>> {
    Ok(statement(include_str!("record.sql"))
        .bind::<Array<Uuid>, _>(column(reports, |r| r.message))
        .bind::<Array<Int2>, _>(column(reports, |r| r.attempt))
        .bind::<Array<Text>, _>(column(reports, |r| r.state.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(reports, |r| r.provider_id.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(column(reports, |r| r.code.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(column(reports, |r| r.detail.as_deref()))
        .bind::<Double, _>(check_after.as_secs_f64())
        .load(tx)
        .await?)
}

fn column<'a, T>(reports: &'a [Report], field: impl Fn(&'a Report) -> T) -> Vec<T> {
    reports.iter().map(field).collect()
}
