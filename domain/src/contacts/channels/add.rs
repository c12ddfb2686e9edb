//! One more address of a contact.

use diesel::QueryableByName;
use diesel::sql_types::{Bool, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::Tx;
use patchbay_db::ids::{ChannelId, ContactId};
use patchbay_queue::sql::statement;

use crate::consent::{self, ConsentAction, ConsentChange, ConsentState};
use crate::contacts::model::{Channel, ChannelKind, channel_columns};
use crate::contacts::{ContactError, get};
use crate::events::Cause;

/// An address to be added. The address is in its stored form: see [`crate::contacts::address`].
#[derive(Debug, Clone)]
pub struct NewChannel {
    /// On which channel.
    pub channel: ChannelKind,
    /// E.164 or an e-mail address.
    pub address: String,
    /// Whether it is the one to use; the first of its kind is in any case.
    pub is_primary: bool,
    /// What the person has said already, where, and the proof.
    pub consent: Option<(ConsentAction, String, Option<String>)>,
}

/// An address that was suppressed by a person's word stays opted out, whatever the list says.
const INSERT: &str = concat!(
    "INSERT INTO contact_channels (tenant_id, id, contact_id, channel, address, is_primary, consent, created_at, updated_at)
     SELECT $1, $2, $3, $4, $5,
        $6 OR NOT EXISTS (SELECT FROM contact_channels WHERE tenant_id = $1 AND contact_id = $3 AND channel = $4),
        CASE WHEN EXISTS (SELECT FROM suppressions WHERE tenant_id = $1 AND channel = $4 AND address = $5 AND reason <> 'bounce')
            THEN 'opted_out' ELSE 'unknown' END,
        $7, $7
     ON CONFLICT (tenant_id, channel, address) DO NOTHING RETURNING ",
    channel_columns!()
);

const OWNER: &str =
    "SELECT contact_id AS owner FROM contact_channels WHERE tenant_id = $1 AND channel = $2 AND address = $3";

const DEMOTE: &str = "
UPDATE contact_channels SET is_primary = false, updated_at = $4
WHERE tenant_id = $1 AND contact_id = $2 AND channel = $3 AND is_primary";

#[derive(QueryableByName)]
struct Owner {
    #[diesel(sql_type = Uuid)]
    owner: ContactId,
}

/// Adds an address to the contact `id`.
///
/// # Errors
/// `NotFound` for the contact, [`ContactError::AddressTaken`] with the owner (who may be the contact itself), the
/// database's.
pub async fn add(tx: &mut Tx, cause: &Cause<'_>, id: ContactId, new: &NewChannel) -> Result<Channel, ContactError> {
    get(tx, id).await?;
    insert(tx, cause, id, new).await
}

/// As [`add`], for a contact that is known to exist.
pub(in crate::contacts) async fn insert(
    tx: &mut Tx,
    cause: &Cause<'_>,
    contact: ContactId,
    new: &NewChannel,
) -> Result<Channel, ContactError> {
    let tenant = tx.tenant();
    let channel = new.channel.as_str();
    let id: ChannelId = cause.ids.make(cause.now);
    if new.is_primary {
        demote(tx, cause, contact, new.channel).await?;
    }
    let mut inserted: Vec<Channel> = statement(INSERT)
        .bind::<Uuid, _>(tenant)
        .bind::<Uuid, _>(id)
        .bind::<Uuid, _>(contact)
        .bind::<Text, _>(channel)
        .bind::<Text, _>(&new.address)
        .bind::<Bool, _>(new.is_primary)
        .bind::<Timestamptz, _>(cause.now)
        .load(&mut **tx)
        .await?;
    let Some(mut added) = inserted.pop() else {
        let taken: Owner = statement(OWNER)
            .bind::<Uuid, _>(tenant)
            .bind::<Text, _>(channel)
            .bind::<Text, _>(&new.address)
            .get_result(&mut **tx)
            .await?;
        return Err(ContactError::AddressTaken {
            channel: new.channel,
            address: new.address.clone(),
            owner: taken.owner,
        });
    };
    if let Some((action, source, evidence)) = &new.consent
        && (added.consent != ConsentState::OptedOut || *action == ConsentAction::OptOut)
    {
        let change = ConsentChange {
            channel: new.channel,
            address: new.address.clone(),
            action: *action,
            source: source.clone(),
            evidence: evidence.clone(),
            message_id: None,
        };
        consent::record(tx, cause, &change).await?;
        added.consent = action.state();
        added.consent_source = Some(source.clone());
        added.consent_at = Some(cause.now);
    }
    Ok(added)
}

/// Leaves the contact without a primary address on `channel`.
pub(super) async fn demote(
    tx: &mut Tx,
    cause: &Cause<'_>,
    contact: ContactId,
    channel: ChannelKind,
) -> Result<(), ContactError> {
    statement(DEMOTE)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(contact)
        .bind::<Text, _>(channel.as_str())
        .bind::<Timestamptz, _>(cause.now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
