//! A provider account and its senders, as they may be shown: without credentials.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Double, Jsonb, Nullable, Text, Timestamptz, Uuid};
use patchbay_db::ids::{ProviderAccountId, SenderId};
use serde_json::Value;

use crate::words::words;

words! {
    /// Whether an account can be used.
    AccountStatus {
        /// Yes.
        Active = "active",
        /// No: its owner switched it off.
        Disabled = "disabled",
        /// No: the provider refused its credentials.
        AuthFailed = "auth_failed",
    }
}

/// An account's row.
#[derive(Debug, Clone, QueryableByName)]
pub struct AccountRow {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: ProviderAccountId,
    /// Which provider.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// What its owner calls it.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Whether it can be used.
    #[diesel(sql_type = Text)]
    pub status: AccountStatus,
    /// The provider's id of the account.
    #[diesel(sql_type = Text)]
    pub external_id: String,
    /// The settings that are no secrets.
    #[diesel(sql_type = Jsonb)]
    pub settings: Value,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// An account at a provider, with its senders.
#[derive(Debug, Clone)]
pub struct ProviderAccount {
    /// The account.
    pub row: AccountRow,
    /// Its senders, oldest first.
    pub senders: Vec<Sender>,
}

/// A number, sender id or pool that sends.
#[derive(Debug, Clone, QueryableByName)]
pub struct Sender {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: SenderId,
    /// The account it belongs to.
    #[diesel(sql_type = Uuid)]
    pub provider_account_id: ProviderAccountId,
    /// `sms`, so far.
    #[diesel(sql_type = Text)]
    pub channel: String,
    /// What it sends from.
    #[diesel(sql_type = Text)]
    pub address: String,
    /// Whether it is taken where a message names no sender.
    #[diesel(sql_type = Bool)]
    pub is_default: bool,
    /// Segments a second, where its owner has set them.
    #[diesel(sql_type = Nullable<Double>)]
    pub rate_per_second: Option<f64>,
    /// When it was added.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

/// Where a provider reports about the account, under the public address: `what` is `status` or `inbound`.
#[must_use]
pub fn webhook_path(kind: &str, id: ProviderAccountId, what: &str) -> String {
    format!("/v1/webhooks/{kind}/{id}/{what}")
}
