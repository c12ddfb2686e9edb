//! Settling messages by what the provider reports, whether it tells us (receipts) or was asked (reconciliation).
//!
//! Reports come twice and out of order, so they are applied by rank: `apply.sql`, the only statement that moves
//! a message by a report. A final failure makes a dead letter; a delivery after a failure puts it away again.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Double, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ContactId, JobId, MessageId, ProviderAccountId};
use patchbay_db::{DbResult, Ids, Tx};
use patchbay_queue::sql::statement;

use super::dead::{Failed, put_away, split_off};
use super::events::{self, Fact};
use super::state::MessageState;

/// One report of a provider about one message.
#[derive(Debug, Clone)]
pub struct ProviderReport {
    /// The account it came through.
    pub account: ProviderAccountId,
    /// The provider's id of the message.
    pub provider_id: String,
    /// Our id of it, where the callback's address said.
    pub message: Option<MessageId>,
    /// What it says the message is: `sent`, `delivered`, `undelivered` or `failed`.
    pub state: MessageState,
    /// Why it failed.
    pub code: Option<String>,
    /// The same for a person.
    pub detail: Option<String>,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Whether a failure is to be a dead letter (an opt-out is not: sending again is refused anyway).
    pub redrivable: bool,
}

/// A message that a report moved.
#[derive(Debug, Clone, QueryableByName)]
pub struct Settled {
    /// The message.
    #[diesel(sql_type = Uuid)]
    pub id: MessageId,
    /// Its job before.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub job_id: Option<JobId>,
    /// Whom it concerns.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub contact_id: Option<ContactId>,
    /// Its recipient.
    #[diesel(sql_type = Text)]
    pub to_address: String,
    /// What it became.
    #[diesel(sql_type = Text)]
    pub state: MessageState,
    /// Why it failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub error_code: Option<String>,
    /// The same for a person.
    #[diesel(sql_type = Nullable<Text>)]
    pub error_detail: Option<String>,
    /// Whether it had been given up before.
    #[diesel(sql_type = Bool)]
    pub revived: bool,
    /// The provider's id.
    #[diesel(sql_type = Text)]
    pub provider_message_id: String,
}

/// Who applies reports, and how.
#[derive(Debug, Clone, Copy)]
pub struct Settling<'a> {
    /// Makes ids.
    pub ids: &'a Ids,
    /// Now.
    pub now: DateTime<Utc>,
    /// The process, for the history of dead letters.
    pub worker: &'a str,
    /// When reconciliation asks about what is only `sent`.
    pub check_after: Duration,
}

/// Applies `reports`, with their events and dead letters; answers the messages that changed.
///
/// # Errors
/// The database's.
pub async fn apply(tx: &mut Tx, settling: Settling<'_>, reports: Vec<ProviderReport>) -> DbResult<Vec<Settled>> {
    let reports = strongest(reports);
    if reports.is_empty() {
        return Ok(Vec::new());
    }
    let settled: Vec<Settled> = statement(include_str!("apply.sql"))
        .bind::<Array<Uuid>, _>(column(&reports, |r| r.account))
        .bind::<Array<Text>, _>(column(&reports, |r| r.provider_id.as_str()))
        .bind::<Array<Nullable<Uuid>>, _>(column(&reports, |r| r.message))
        .bind::<Array<Text>, _>(column(&reports, |r| r.state.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(&reports, |r| r.code.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(column(&reports, |r| r.detail.as_deref()))
        .bind::<Array<Timestamptz>, _>(column(&reports, |r| r.at))
        .bind::<Double, _>(settling.check_after.as_secs_f64())
        .load(tx)
        .await?;
    let facts: Vec<Fact> = settled.iter().map(Settled::fact).collect();
    events::record(tx, settling.ids, settling.now, &facts).await?;
    let hopeless: Vec<&str> = reports.iter().filter(|r| !r.redrivable).map(|r| r.provider_id.as_str()).collect();
    let failed: Vec<Failed> = settled
        .iter()
        .filter(|s| matches!(s.state, MessageState::Failed | MessageState::Undelivered) && !s.revived)
        .filter(|s| !hopeless.contains(&s.provider_message_id.as_str()))
        .map(Settled::failure)
        .collect();
    split_off(tx, settling.ids, settling.now, settling.worker, &failed).await?;
    let over = settled.iter().filter(|s| s.state == MessageState::Delivered && s.revived);
    put_away(tx, &over.filter_map(|s| s.job_id).collect::<Vec<_>>()).await?;
    Ok(settled)
}

/// Of several reports about one message the one of the highest rank: a set may not name a row twice.
fn strongest(reports: Vec<ProviderReport>) -> Vec<ProviderReport> {
    let mut best: HashMap<(ProviderAccountId, String), ProviderReport> = HashMap::with_capacity(reports.len());
    for mut report in reports {
        let key = (report.account, report.provider_id.clone());
        match best.get_mut(&key) {
            Some(held) if held.state.rank() >= report.state.rank() => held.message = held.message.or(report.message),
            Some(held) => {
                report.message = report.message.or(held.message);
                *held = report;
            }
            None => {
                best.insert(key, report);
            }
        }
    }
    best.into_values().collect()
}

impl Settled {
    fn fact(&self) -> Fact {
        Fact { message: self.id, contact: self.contact_id, state: self.state, error_code: self.error_code.clone() }
    }

    fn failure(&self) -> Failed {
        Failed {
            message: self.id,
            code: self.error_code.clone().unwrap_or_else(|| self.state.to_string()),
            detail: self.error_detail.clone().unwrap_or_default(),
        }
    }
}

fn column<'a, T>(reports: &'a [ProviderReport], field: impl Fn(&'a ProviderReport) -> T) -> Vec<T> {
    reports.iter().map(field).collect()
}
