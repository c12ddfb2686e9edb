//! Taking in what contacts write: stored once, and STOP, START and HELP obeyed at once.
//!
//! One transaction stores the messages, changes consent, and enqueues the confirmation: a STOP that is on record as
//! received is in force. What is not new (the provider calls again where our answer was lost) changes nothing and is
//! not confirmed again. Confirmations have the class `compliance`, the only one that may follow a STOP.

mod confirm;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Int2, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ContactId, MessageId, ProviderAccountId};
use patchbay_db::{DbResult, Ids, Tx};
use patchbay_queue::sql::statement;

use super::accept::{CHANNEL, Measure};
use super::events::{self, Fact};
use super::model::Body;
use super::state::MessageState;
use crate::consent::{self, ConsentAction, ConsentChange};
use crate::contacts::ChannelKind;
use crate::events::Cause;
use crate::keywords::{Keyword, is_answered};

/// A message from a person, as its provider told it.
#[derive(Debug, Clone)]
pub struct NewInbound {
    /// The account it came to.
    pub account: ProviderAccountId,
    /// The provider's id of it.
    pub provider_id: String,
    /// Who wrote it.
    pub from: String,
    /// Our sender.
    pub to: String,
    /// What they wrote.
    pub body: Body,
    /// Segments it came in.
    pub segments: i16,
    /// The keyword it is, if it is one.
    pub keyword: Option<Keyword>,
    /// Whether the word has another meaning too (YES): it then counts only where it can lift a STOP.
    pub lifts_only: bool,
    /// Whether the provider has answered the keyword itself.
    pub answered: bool,
    /// Whether our sender is toll-free: the carrier then holds a STOP itself.
    pub toll_free: bool,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

/// What became of a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TakenIn {
    /// Messages that were new.
    pub new: usize,
    /// Confirmations enqueued.
    pub confirmed: usize,
}

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = Uuid)]
    id: MessageId,
    #[diesel(sql_type = Nullable<Uuid>)]
    contact_id: Option<ContactId>,
    #[diesel(sql_type = Bool)]
    opted_out: bool,
}

/// Takes in `messages`, oldest first.
///
/// # Errors
/// The database's.
pub async fn take_in(
    tx: &mut Tx,
    ids: &Ids,
    now: DateTime<Utc>,
    measure: Measure,
    messages: &[NewInbound],
) -> DbResult<TakenIn> {
    let mine: Vec<MessageId> = messages.iter().map(|_| ids.make(now)).collect();
    let stored = store(tx, &mine, messages).await?;
    let facts = stored.values().map(|s| Fact {
        message: s.id,
        contact: s.contact_id,
        state: MessageState::Received,
        error_code: None,
    });
    events::record(tx, ids, now, &facts.collect::<Vec<_>>()).await?;
    let mut changes = Vec::new();
    let mut answers = Vec::new();
    // Consent as it stands after each message: one set may hold a STOP and the START that follows it.
    let mut opted_out: HashMap<&str, bool> = HashMap::new();
    for (id, message) in mine.iter().zip(messages) {
        let (Some(stored), Some(keyword)) = (stored.get(id), message.keyword) else { continue };
        let before = *opted_out.get(message.from.as_str()).unwrap_or(&stored.opted_out);
        if message.lifts_only && !before {
            continue;
        }
        let after = match keyword {
            Keyword::Stop => true,
            Keyword::Start => false,
            Keyword::Help => before,
        };
        opted_out.insert(&message.from, after);
        if keyword != Keyword::Help {
            changes.push(ConsentChange {
                channel: ChannelKind::Sms,
                address: message.from.clone(),
                action: if after { ConsentAction::OptOut } else { ConsentAction::OptIn },
                source: "sms_keyword".to_owned(),
                evidence: Some(message.body.0.clone()),
                message_id: Some(*id),
            });
        }
        if !message.answered && is_answered(keyword, before != after, message.toll_free, before) {
            answers.push(confirm::Answer { keyword, to: message, contact: stored.contact_id });
        }
    }
    let cause = Cause { ids, now, request_id: None };
    for change in &changes {
        consent::record(tx, &cause, change).await?;
    }
    let confirmed = confirm::enqueue(tx, ids, now, measure, &answers).await?;
    Ok(TakenIn { new: stored.len(), confirmed })
}

async fn store(tx: &mut Tx, ids: &[MessageId], messages: &[NewInbound]) -> DbResult<HashMap<MessageId, Stored>> {
    let tenant = tx.tenant();
    let stored: Vec<Stored> = statement(include_str!("store.sql"))
        .bind::<Uuid, _>(tenant)
        .bind::<Text, _>(CHANNEL)
        .bind::<Array<Uuid>, _>(ids)
        .bind::<Array<Uuid>, _>(column(messages, |m| m.account))
        .bind::<Array<Text>, _>(column(messages, |m| m.provider_id.as_str()))
        .bind::<Array<Text>, _>(column(messages, |m| m.from.as_str()))
        .bind::<Array<Text>, _>(column(messages, |m| m.to.as_str()))
        .bind::<Array<Text>, _>(column(messages, |m| m.body.0.as_str()))
        .bind::<Array<Int2>, _>(column(messages, |m| m.segments))
        .bind::<Array<Timestamptz>, _>(column(messages, |m| m.received_at))
        .load(tx)
        .await?;
    Ok(stored.into_iter().map(|stored| (stored.id, stored)).collect())
}

fn column<'a, T>(messages: &'a [NewInbound], field: impl Fn(&'a NewInbound) -> T) -> Vec<T> {
    messages.iter().map(field).collect()
}
