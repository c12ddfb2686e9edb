//! The contacts that a batch changes: what a row says overwrites, what it leaves empty stays.

use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::Target;
use crate::consent::{self, ConsentAction, ConsentChange};
use crate::contacts::ChannelKind;
use crate::events::Cause;
use crate::imports::plan::Updated;
use crate::imports::row::{NewRow, SmsConsent};

const UPDATE: &str = "
UPDATE contacts c SET first_name = coalesce(n.first_name, c.first_name), last_name = coalesce(n.last_name, c.last_name),
    job_title = coalesce(n.job_title, c.job_title), company_name = coalesce(n.company_name, c.company_name),
    country = coalesce(n.country, c.country), city = coalesce(n.city, c.city), locale = coalesce(n.locale, c.locale),
    timezone = coalesce(n.timezone, c.timezone), attributes = c.attributes || n.attributes::jsonb, updated_at = $2
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
    $12::text[])
    AS n (id, first_name, last_name, job_title, company_name, country, city, locale, timezone, attributes)
WHERE c.tenant_id = $1 AND c.id = n.id";

/// A file's yes counts only where nobody has said anything: it never undoes a person's no.
const UNDECIDED: &str = "
SELECT address FROM contact_channels
WHERE tenant_id = $1 AND channel = 'sms' AND consent = 'unknown' AND address = ANY ($2)";

#[derive(diesel::QueryableByName)]
struct Undecided {
    #[diesel(sql_type = Text)]
    address: String,
}

pub(super) async fn apply(tx: &mut Tx, cause: &Cause<'_>, target: &Target, updated: &[Updated]) -> DbResult<()> {
    if updated.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&NewRow) -> Option<&str>| updated.iter().map(|changed| of(&changed.row)).collect::<Vec<_>>();
    statement(UPDATE)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Timestamptz, _>(cause.now)
        .bind::<Array<Uuid>, _>(updated.iter().map(|changed| changed.contact).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.first_name.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.last_name.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.job_title.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.company_name.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.country.map(|country| country.as_str())))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.city.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.locale.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.timezone.as_deref()))
        .bind::<Array<Text>, _>(updated.iter().map(|changed| changed.row.attributes_json()).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    consents(tx, cause, target, updated).await
}

async fn consents(tx: &mut Tx, cause: &Cause<'_>, target: &Target, updated: &[Updated]) -> DbResult<()> {
    let said = || updated.iter().flat_map(|changed| &changed.consents);
    let agreed: Vec<&str> =
        said().filter(|(_, consent)| *consent == SmsConsent::OptedIn).map(|(phone, _)| phone.as_str()).collect();
    let declined: Vec<&str> =
        said().filter(|(_, consent)| *consent == SmsConsent::OptedOut).map(|(phone, _)| phone.as_str()).collect();
    let mut changes: Vec<(String, ConsentAction)> = Vec::new();
    if !agreed.is_empty() {
        let undecided: Vec<Undecided> =
            statement(UNDECIDED).bind::<Uuid, _>(tx.tenant()).bind::<Array<Text>, _>(&agreed).load(&mut **tx).await?;
        changes.extend(undecided.into_iter().map(|row| (row.address, ConsentAction::OptIn)));
    }
    changes.extend(declined.into_iter().map(|phone| (phone.to_owned(), ConsentAction::OptOut)));
    for (address, action) in changes {
        let change = ConsentChange {
            channel: ChannelKind::Sms,
            address,
            action,
            source: target.consent_source.clone(),
            evidence: Some(target.import.to_string()),
            message_id: None,
        };
        consent::record(tx, cause, &change).await?;
    }
    Ok(())
}
