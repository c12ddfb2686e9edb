//! A contact as it is read.

use patchbay_db::ids::{ContactId, ImportId};
use patchbay_domain::contacts as domain;
use poem_openapi::{
    Enum, Object,
    types::{Any, Example},
};

use super::{Attributes, Channel, from_value};
use crate::http::{Id, Time};

/// How far the relation with a contact has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ContactLifecycle {
    /// Not qualified.
    Lead,
    /// Qualified, nothing bought.
    Prospect,
    /// Buys.
    Customer,
    /// No relation any more.
    Inactive,
}

impl From<ContactLifecycle> for domain::Lifecycle {
    fn from(lifecycle: ContactLifecycle) -> Self {
        match lifecycle {
            ContactLifecycle::Lead => Self::Lead,
            ContactLifecycle::Prospect => Self::Prospect,
            ContactLifecycle::Customer => Self::Customer,
            ContactLifecycle::Inactive => Self::Inactive,
        }
    }
}

impl From<domain::Lifecycle> for ContactLifecycle {
    fn from(lifecycle: domain::Lifecycle) -> Self {
        match lifecycle {
            domain::Lifecycle::Lead => Self::Lead,
            domain::Lifecycle::Prospect => Self::Prospect,
            domain::Lifecycle::Customer => Self::Customer,
            domain::Lifecycle::Inactive => Self::Inactive,
        }
    }
}

/// A person whom the tenant talks to.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Contact {
    /// Its id.
    pub id: Id<ContactId>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// What the person does.
    pub job_title: Option<String>,
    /// Where they work.
    pub company_name: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// City.
    pub city: Option<String>,
    /// The language to write in, as BCP 47.
    pub locale: Option<String>,
    /// IANA time zone.
    pub timezone: Option<String>,
    /// How far the relation has come.
    pub lifecycle: ContactLifecycle,
    /// Free attributes.
    pub attributes: Attributes,
    /// Their addresses, in the order in which they were added.
    pub channels: Vec<Channel>,
    /// The import that made the contact.
    pub import_id: Option<Id<ImportId>>,
    /// When it was made.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

impl From<domain::Contact> for Contact {
    fn from(contact: domain::Contact) -> Self {
        let row = contact.row;
        let fields = row.fields;
        Self {
            id: Id(row.id),
            first_name: fields.first_name,
            last_name: fields.last_name,
            job_title: fields.job_title,
            company_name: fields.company_name,
            country: fields.country,
            city: fields.city,
            locale: fields.locale,
            timezone: fields.timezone,
            lifecycle: fields.lifecycle.into(),
            attributes: from_value(fields.attributes),
            channels: contact.channels.into_iter().map(Channel::from).collect(),
            import_id: row.import_id.map(Id),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        }
    }
}

impl Example for Contact {
    fn example() -> Self {
        Self {
            id: Id::example(),
            first_name: Some("Ada".to_owned()),
            last_name: Some("Lovelace".to_owned()),
            job_title: None,
            company_name: Some("Acme".to_owned()),
            country: Some("US".to_owned()),
            city: Some("San Francisco".to_owned()),
            locale: Some("en-US".to_owned()),
            timezone: Some("America/Los_Angeles".to_owned()),
            lifecycle: ContactLifecycle::Lead,
            attributes: Attributes::from([("budget".to_owned(), Any(serde_json::json!(1200)))]),
            channels: vec![Channel::example()],
            import_id: None,
            created_at: Time::example(),
            updated_at: Time::example(),
        }
    }
}

/// A contact that is gone.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ContactDeleted {
    /// Its id.
    pub id: Id<ContactId>,
    /// Always true.
    pub deleted: bool,
}

impl Example for ContactDeleted {
    fn example() -> Self {
        Self { id: Id::example(), deleted: true }
    }
}
