//! What the database knows about the drafts of some calls: three statements in one round trip.

use std::collections::HashMap;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Nullable, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ContactId, ProviderAccountId, TemplateId};
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::super::state::MessageClass;
use super::{CHANNEL, Call, Content, Draft, Recipient};
use crate::consent::ConsentState;
use crate::phone::E164;
use crate::provider_accounts::AccountStatus;

/// Whom a draft would reach.
#[derive(Debug, QueryableByName)]
pub(super) struct Target {
    /// The contact asked for, if it exists.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub contact_id: Option<ContactId>,
    /// The contact the address belongs to.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub owner_id: Option<ContactId>,
    /// The address, if there is one.
    #[diesel(sql_type = Nullable<Text>)]
    pub address: Option<String>,
    /// What is on record for it.
    #[diesel(sql_type = Nullable<Text>)]
    pub consent: Option<ConsentState>,
    /// Why nothing may go there.
    #[diesel(sql_type = Nullable<Text>)]
    pub suppressed: Option<String>,
}

/// A sender of the tenant.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct KnownSender {
    #[diesel(sql_type = Text)]
    pub address: String,
    #[diesel(sql_type = Bool)]
    pub is_default: bool,
    #[diesel(sql_type = Uuid)]
    pub provider_account_id: ProviderAccountId,
    #[diesel(sql_type = Text)]
    pub status: AccountStatus,
}

/// A template that a draft names.
#[derive(QueryableByName)]
pub(super) struct KnownTemplate {
    #[diesel(sql_type = Uuid)]
    pub id: TemplateId,
    #[diesel(sql_type = Text)]
    pub code: String,
    #[diesel(sql_type = Text)]
    pub class: MessageClass,
    #[diesel(sql_type = Text)]
    pub body: String,
}

/// All of it.
pub(super) struct Known {
    /// For each draft of all calls, in order.
    pub targets: Vec<Target>,
    /// What was wrong with a draft's number, by its place.
    pub bad_numbers: HashMap<usize, String>,
    /// The senders asked for, and the default.
    pub senders: Vec<KnownSender>,
    /// The templates asked for.
    pub templates: Vec<KnownTemplate>,
}

impl Known {
    /// The template that `name` names.
    pub fn template(&self, name: &str) -> Option<&KnownTemplate> {
        let id: Option<TemplateId> = name.parse().ok();
        self.templates.iter().find(|t| id.map_or(t.code == name, |id| t.id == id))
    }
}

pub(super) async fn resolve(tx: &mut Tx, calls: &[Call]) -> DbResult<Known> {
    let drafts = || calls.iter().flat_map(|call| &call.drafts);
    let mut bad_numbers = HashMap::new();
    let (contacts, addresses): (Vec<Option<ContactId>>, Vec<Option<String>>) = drafts()
        .enumerate()
        .map(|(place, draft)| match &draft.to {
            Recipient::Contact(id) => (Some(*id), None),
            Recipient::Address(text) => match text.parse::<E164>() {
                Ok(number) => (None, Some(number.into_string())),
                Err(error) => {
                    bad_numbers.insert(place, error.to_string());
                    (None, None)
                }
            },
        })
        .unzip();
    let (ids, codes) = template_names(drafts());
    let froms: Vec<&str> = calls.iter().filter_map(|call| call.from.as_deref()).collect();
    // Three statements in flight at once on one connection: one round trip.
    let mut conns = (&**tx, &**tx, &**tx);
    let targets = statement(include_str!("targets.sql"))
        .bind::<Array<Nullable<Uuid>>, _>(contacts)
        .bind::<Array<Nullable<Text>>, _>(addresses)
        .bind::<Text, _>(CHANNEL)
        .load::<Target>(&mut conns.0);
    let senders = statement(include_str!("senders.sql"))
        .bind::<Text, _>(CHANNEL)
        .bind::<Array<Text>, _>(froms)
        .load::<KnownSender>(&mut conns.1);
    let templates = async {
        if ids.is_empty() && codes.is_empty() {
            return Ok(Vec::new());
        }
        statement(include_str!("templates.sql"))
            .bind::<Text, _>(CHANNEL)
            .bind::<Array<Uuid>, _>(ids)
            .bind::<Array<Text>, _>(codes)
            .load::<KnownTemplate>(&mut conns.2)
            .await
    };
    let (targets, senders, templates) = futures_util::try_join!(targets, senders, templates)?;
    Ok(Known { targets, bad_numbers, senders, templates })
}

/// The ids and the codes of the templates that drafts name, each once.
fn template_names<'a>(drafts: impl Iterator<Item = &'a Draft>) -> (Vec<TemplateId>, Vec<&'a str>) {
    let (mut ids, mut codes) = (Vec::new(), Vec::new());
    let mut last = None;
    for draft in drafts {
        let Content::Template { name, .. } = &draft.content else { continue };
        if last.replace(name.as_str()) == Some(name.as_str()) {
            continue;
        }
        match name.parse() {
            Ok(id) => ids.push(id),
            Err(_) => codes.push(name.as_str()),
        }
    }
    ids.sort_unstable();
    ids.dedup();
    codes.sort_unstable();
    codes.dedup();
    (ids, codes)
}
