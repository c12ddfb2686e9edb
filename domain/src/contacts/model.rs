//! Contacts and their channels as they are stored.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz, Uuid};
use patchbay_db::ids::{ChannelId, ContactId, ImportId};
use serde_json::Value;

use super::NewChannel;
use crate::consent::ConsentState;
use crate::words::words;

words! {
    /// How far the relation with a contact has come.
    Lifecycle {
        /// Not qualified.
        Lead = "lead",
        /// Qualified, nothing bought.
        Prospect = "prospect",
        /// Buys.
        Customer = "customer",
        /// No relation any more.
        Inactive = "inactive",
    }
}

words! {
    /// A way to reach a person.
    ChannelKind {
        /// Text messages; the address is E.164.
        Sms = "sms",
        /// E-mail.
        Email = "email",
        /// WhatsApp; the address is E.164.
        Whatsapp = "whatsapp",
    }
}

/// What can be written on a contact.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct ContactFields {
    /// Given name.
    #[diesel(sql_type = Nullable<Text>)]
    pub first_name: Option<String>,
    /// Family name.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_name: Option<String>,
    /// What the person does.
    #[diesel(sql_type = Nullable<Text>)]
    pub job_title: Option<String>,
    /// Where.
    #[diesel(sql_type = Nullable<Text>)]
    pub company_name: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[diesel(sql_type = Nullable<Text>)]
    pub country: Option<String>,
    /// City.
    #[diesel(sql_type = Nullable<Text>)]
    pub city: Option<String>,
    /// A language tag.
    #[diesel(sql_type = Nullable<Text>)]
    pub locale: Option<String>,
    /// An IANA time zone.
    #[diesel(sql_type = Nullable<Text>)]
    pub timezone: Option<String>,
    /// How far the relation has come.
    #[diesel(sql_type = Text)]
    pub lifecycle: Lifecycle,
    /// Free attributes: a JSON object.
    #[diesel(sql_type = Jsonb)]
    pub attributes: Value,
}

impl Default for ContactFields {
    fn default() -> Self {
        Self {
            first_name: None,
            last_name: None,
            job_title: None,
            company_name: None,
            country: None,
            city: None,
            locale: None,
            timezone: None,
            lifecycle: Lifecycle::Lead,
            attributes: Value::Object(serde_json::Map::new()),
        }
    }
}

/// A contact's row.
#[derive(Debug, Clone, QueryableByName)]
pub struct ContactRow {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: ContactId,
    /// What can be written.
    #[diesel(embed)]
    pub fields: ContactFields,
    /// The import that made it.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub import_id: Option<ImportId>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// The columns of a [`ContactRow`], for a `SELECT` or `RETURNING`.
macro_rules! contact_columns {
    () => {
        "id, first_name, last_name, job_title, company_name, country, city, locale, timezone, lifecycle, attributes, import_id, created_at, updated_at"
    };
}
pub(super) use contact_columns;

/// One address of a contact.
#[derive(Debug, Clone, QueryableByName)]
pub struct Channel {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: ChannelId,
    /// Whose address.
    #[diesel(sql_type = Uuid)]
    pub contact_id: ContactId,
    /// On which channel.
    #[diesel(sql_type = Text)]
    pub channel: ChannelKind,
    /// E.164 or an e-mail address.
    #[diesel(sql_type = Text)]
    pub address: String,
    /// The one to use where there are several of a kind.
    #[diesel(sql_type = Bool)]
    pub is_primary: bool,
    /// Whether one may write there.
    #[diesel(sql_type = Text)]
    pub consent: ConsentState,
    /// Where consent was given or withdrawn.
    #[diesel(sql_type = Nullable<Text>)]
    pub consent_source: Option<String>,
    /// When.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub consent_at: Option<DateTime<Utc>>,
    /// When the person proved that it is theirs.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub verified_at: Option<DateTime<Utc>>,
    /// When it was added.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

/// The columns of a [`Channel`].
macro_rules! channel_columns {
    () => {
        "id, contact_id, channel, address, is_primary, consent, consent_source, consent_at, verified_at, created_at"
    };
}
pub(super) use channel_columns;

/// A contact with its channels, in the order in which they were added.
#[derive(Debug, Clone)]
pub struct Contact {
    /// The contact itself.
    pub row: ContactRow,
    /// Its addresses.
    pub channels: Vec<Channel>,
}

/// A contact to be made.
#[derive(Debug, Clone)]
pub struct NewContact {
    /// Its id.
    pub id: ContactId,
    /// Its fields.
    pub fields: ContactFields,
    /// Its addresses.
    pub channels: Vec<NewChannel>,
}
