//! The new addresses of a batch, with their consent and its proof.
//!
//! An address that a person has had suppressed comes in opted out, whatever the file says. An opt-in that a file
//! claims goes into the consent ledger in the same statement, under the channel's own id: the line belongs to it.

use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ChannelId, ContactId};
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::Target;
use crate::events::Cause;
use crate::imports::plan::{Address, Plan};
use crate::imports::row::SmsConsent;

const INSERT: &str = "
WITH n AS (
    SELECT n.*, CASE WHEN s.address IS NULL THEN n.said ELSE 'opted_out' END AS consent
    FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::bool[])
        AS n (id, contact_id, channel, address, said, is_first)
    LEFT JOIN suppressions s
        ON s.tenant_id = $1 AND s.channel = n.channel AND s.address = n.address AND s.reason <> 'bounce'),
added AS (
    INSERT INTO contact_channels (tenant_id, id, contact_id, channel, address, is_primary, consent, consent_source, consent_at,
        created_at, updated_at)
    SELECT $1, id, contact_id, channel, address,
        coalesce(is_first, NOT EXISTS (SELECT FROM contact_channels c
            WHERE c.tenant_id = $1 AND c.contact_id = n.contact_id AND c.channel = n.channel)),
        consent, CASE WHEN consent <> 'unknown' THEN $2 END, CASE WHEN consent <> 'unknown' THEN $3 END, $3, $3
    FROM n)
INSERT INTO consent_events (tenant_id, id, channel, address, action, source, occurred_at)
SELECT $1, id, channel, address, CASE said WHEN 'opted_in' THEN 'opt_in' ELSE 'opt_out' END, $2, $3
FROM n WHERE said <> 'unknown' AND consent = said";

/// A file's "no" holds for the address, also after the contact is gone.
const SUPPRESS: &str = "
INSERT INTO suppressions (tenant_id, channel, address, reason, created_at)
SELECT $1, 'sms', a, 'manual', $2 FROM unnest($3::text[]) AS a
ON CONFLICT (tenant_id, channel, address) DO NOTHING";

#[derive(Default)]
struct Columns<'p> {
    ids: Vec<ChannelId>,
    contacts: Vec<ContactId>,
    channels: Vec<&'static str>,
    addresses: Vec<&'p str>,
    said: Vec<&'static str>,
    /// Known for a new contact; left to the database for one that has channels already.
    is_first: Vec<Option<bool>>,
}

impl<'p> Columns<'p> {
    fn push(&mut self, cause: &Cause<'_>, contact: ContactId, address: &'p Address, is_first: Option<bool>) {
        self.ids.push(cause.ids.make(cause.now));
        self.contacts.push(contact);
        self.channels.push(address.channel);
        self.addresses.push(&address.address);
        self.said.push(address.consent.as_str());
        self.is_first.push(is_first);
    }
}

/// Adds every address of the plan; `contacts` are the ids of its new contacts.
pub(super) async fn insert(
    tx: &mut Tx,
    cause: &Cause<'_>,
    target: &Target,
    contacts: &[ContactId],
    plan: &Plan,
) -> DbResult<()> {
    let mut columns = Columns::default();
    for (new, contact) in plan.created.iter().zip(contacts) {
        let mut seen = Vec::with_capacity(2);
        for address in &new.addresses {
            let is_first = !seen.contains(&address.channel);
            seen.push(address.channel);
            columns.push(cause, *contact, address, Some(is_first));
        }
    }
    for changed in &plan.updated {
        let contact = ContactId::from(changed.contact);
        changed.added.iter().for_each(|address| columns.push(cause, contact, address, None));
    }
    if columns.ids.is_empty() {
        return Ok(());
    }
    let declined = |at: &usize| columns.said[*at] == SmsConsent::OptedOut.as_str();
    let declined: Vec<&str> = (0..columns.said.len()).filter(declined).map(|at| columns.addresses[at]).collect();
    let tenant = tx.tenant();
    statement(INSERT)
        .bind::<Uuid, _>(tenant)
        .bind::<Text, _>(&target.consent_source)
        .bind::<Timestamptz, _>(cause.now)
        .bind::<Array<Uuid>, _>(columns.ids)
        .bind::<Array<Uuid>, _>(columns.contacts)
        .bind::<Array<Text>, _>(columns.channels)
        .bind::<Array<Text>, _>(columns.addresses)
        .bind::<Array<Text>, _>(columns.said)
        .bind::<Array<Nullable<Bool>>, _>(columns.is_first)
        .execute(&mut **tx)
        .await?;
    if !declined.is_empty() {
        statement(SUPPRESS)
            .bind::<Uuid, _>(tenant)
            .bind::<Timestamptz, _>(cause.now)
            .bind::<Array<Text>, _>(declined)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
