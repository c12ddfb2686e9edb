//! A lead as it is stored.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Integer, Jsonb, Nullable, Text, Timestamptz, Uuid};
use patchbay_db::ids::{ContactId, ImportId, LeadId};
use serde_json::Value;

use crate::words::words;

words! {
    /// How far a lead has come.
    LeadStatus {
        /// Nobody has looked at it.
        New = "new",
        /// Somebody has written or called.
        Contacted = "contacted",
        /// Worth an offer.
        Qualified = "qualified",
        /// Not worth one.
        Disqualified = "disqualified",
        /// Became contact, company or deal.
        Converted = "converted",
    }
}

/// What can be written on a lead.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct LeadFields {
    /// The contact behind it.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub contact_id: Option<ContactId>,
    /// Given name.
    #[diesel(sql_type = Nullable<Text>)]
    pub first_name: Option<String>,
    /// Family name.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_name: Option<String>,
    /// E-mail address, normalised.
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    /// E.164.
    #[diesel(sql_type = Nullable<Text>)]
    pub phone: Option<String>,
    /// Where the person works.
    #[diesel(sql_type = Nullable<Text>)]
    pub company_name: Option<String>,
    /// Where the lead came from.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// How far it has come.
    #[diesel(sql_type = Text)]
    pub status: LeadStatus,
    /// How promising it is.
    #[diesel(sql_type = Integer)]
    pub score: i32,
    /// Free attributes: a JSON object.
    #[diesel(sql_type = Jsonb)]
    pub attributes: Value,
}

impl Default for LeadFields {
    fn default() -> Self {
        Self {
            contact_id: None,
            first_name: None,
            last_name: None,
            email: None,
            phone: None,
            company_name: None,
            source: "other".into(),
            status: LeadStatus::New,
            score: 0,
            attributes: Value::Object(serde_json::Map::new()),
        }
    }
}

/// A lead.
#[derive(Debug, Clone, QueryableByName)]
pub struct Lead {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: LeadId,
    /// What can be written.
    #[diesel(embed)]
    pub fields: LeadFields,
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

/// The columns of a [`Lead`].
macro_rules! lead_columns {
    () => {
        "id, contact_id, first_name, last_name, email, phone, company_name, source, status, score, attributes, import_id, created_at, updated_at"
    };
}
pub(super) use lead_columns;
