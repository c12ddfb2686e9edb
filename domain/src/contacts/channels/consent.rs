//! A person's yes or no to one of their addresses, reported by the tenant.

use patchbay_db::Tx;
use patchbay_db::ids::ChannelId;
use serde_json::json;

use super::get::{get, lock};
use crate::consent::{self, ConsentAction, ConsentChange};
use crate::contacts::ContactError;
use crate::contacts::model::Channel;
use crate::events::{self, Cause};

/// Records that the person agreed or declined, and returns the channel as it is then.
///
/// # Errors
/// `NotFound`, the database's.
pub async fn set_consent(
    tx: &mut Tx,
    cause: &Cause<'_>,
    id: ChannelId,
    action: ConsentAction,
    source: String,
    evidence: Option<String>,
) -> Result<Channel, ContactError> {
    let channel = lock(tx, id).await?;
    let contact = channel.contact_id;
    let change = ConsentChange {
        channel: channel.channel,
        address: channel.address,
        action,
        source,
        evidence,
        message_id: None,
    };
    consent::record(tx, cause, &change).await?;
    let kind = match action {
        ConsentAction::OptIn => "contact.opted_in",
        ConsentAction::OptOut => "contact.opted_out",
    };
    let payload = json!({ "contact_id": contact, "channel_id": id, "channel": change.channel.as_str() });
    events::record(tx, cause, kind, contact.to_string(), payload).await?;
    Ok(get(tx, id).await?)
}
