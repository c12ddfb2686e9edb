//! Writes a line of the ledger and what follows from it.

use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::ConsentEventId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::model::{ConsentAction, ConsentChange};
use crate::events::Cause;

const LEDGER: &str = "
INSERT INTO consent_events (tenant_id, id, channel, address, action, source, evidence, message_id, occurred_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const STATE: &str = "
UPDATE contact_channels
SET consent = $4, consent_source = $5, consent_at = $6, updated_at = $6
WHERE tenant_id = $1 AND channel = $2 AND address = $3";

const SUPPRESS: &str = "
INSERT INTO suppressions (tenant_id, channel, address, reason, created_at)
VALUES ($1, $2, $3, 'stop', $4)
ON CONFLICT (tenant_id, channel, address) DO NOTHING";

/// A complaint or a bounce is not lifted by agreeing again: the provider would refuse the message still.
const LIFT: &str = "
DELETE FROM suppressions
WHERE tenant_id = $1 AND channel = $2 AND address = $3 AND reason IN ('stop', 'manual')";

/// Records `change`. The address need not belong to a contact.
///
/// # Errors
/// As any write.
pub async fn record(tx: &mut Tx, cause: &Cause<'_>, change: &ConsentChange) -> DbResult<()> {
    let tenant = tx.tenant();
    let channel = change.channel.as_str();
    let id: ConsentEventId = cause.ids.make(cause.now);
    let written = statement(LEDGER)
        .bind::<Uuid, _>(tenant)
        .bind::<Uuid, _>(id)
        .bind::<Text, _>(channel)
        .bind::<Text, _>(&change.address)
        .bind::<Text, _>(change.action.as_str())
        .bind::<Text, _>(&change.source)
        .bind::<Nullable<Text>, _>(&change.evidence)
        .bind::<Nullable<Uuid>, _>(change.message_id)
        .bind::<Timestamptz, _>(cause.now)
        .execute(&mut **tx)
        .await?;
    expect_rows(1, written)?;
    statement(STATE)
        .bind::<Uuid, _>(tenant)
        .bind::<Text, _>(channel)
        .bind::<Text, _>(&change.address)
        .bind::<Text, _>(change.action.state().as_str())
        .bind::<Text, _>(&change.source)
        .bind::<Timestamptz, _>(cause.now)
        .execute(&mut **tx)
        .await?;
    match change.action {
        ConsentAction::OptOut => {
            statement(SUPPRESS)
                .bind::<Uuid, _>(tenant)
                .bind::<Text, _>(channel)
                .bind::<Text, _>(&change.address)
                .bind::<Timestamptz, _>(cause.now)
                .execute(&mut **tx)
                .await?
        }
        ConsentAction::OptIn => {
            statement(LIFT)
                .bind::<Uuid, _>(tenant)
                .bind::<Text, _>(channel)
                .bind::<Text, _>(&change.address)
                .execute(&mut **tx)
                .await?
        }
    };
    Ok(())
}
