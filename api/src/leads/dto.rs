//! What leads look like on the wire.

use patchbay_db::ids::{ContactId, ImportId, LeadId};
use patchbay_domain::leads as domain;
use poem_openapi::{
    Enum, Object,
    types::{Any, Example, MaybeUndefined},
};

use crate::contacts::dto::{Attributes, from_value, merge, set, to_value};
use crate::http::{Id, Time};

/// How far a lead has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum LeadStatus {
    /// Nobody has looked at it.
    New,
    /// Somebody has written or called.
    Contacted,
    /// Worth an offer.
    Qualified,
    /// Not worth one.
    Disqualified,
    /// Became contact, company or deal.
    Converted,
}

impl From<LeadStatus> for domain::LeadStatus {
    fn from(status: LeadStatus) -> Self {
        match status {
            LeadStatus::New => Self::New,
            LeadStatus::Contacted => Self::Contacted,
            LeadStatus::Qualified => Self::Qualified,
            LeadStatus::Disqualified => Self::Disqualified,
            LeadStatus::Converted => Self::Converted,
        }
    }
}

impl From<domain::LeadStatus> for LeadStatus {
    fn from(status: domain::LeadStatus) -> Self {
        match status {
            domain::LeadStatus::New => Self::New,
            domain::LeadStatus::Contacted => Self::Contacted,
            domain::LeadStatus::Qualified => Self::Qualified,
            domain::LeadStatus::Disqualified => Self::Disqualified,
            domain::LeadStatus::Converted => Self::Converted,
        }
    }
}

/// An unqualified prospect.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Lead {
    /// Its id.
    pub id: Id<LeadId>,
    /// The contact behind it.
    pub contact_id: Option<Id<ContactId>>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number in E.164.
    pub phone: Option<String>,
    /// Where the person works.
    pub company_name: Option<String>,
    /// Where the lead came from.
    pub source: String,
    /// How far it has come.
    pub status: LeadStatus,
    /// How promising it is.
    pub score: i32,
    /// Free attributes.
    pub attributes: Attributes,
    /// The import that made it.
    pub import_id: Option<Id<ImportId>>,
    /// When it was made.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

impl From<domain::Lead> for Lead {
    fn from(lead: domain::Lead) -> Self {
        let fields = lead.fields;
        Self {
            id: Id(lead.id),
            contact_id: fields.contact_id.map(Id),
            first_name: fields.first_name,
            last_name: fields.last_name,
            email: fields.email,
            phone: fields.phone,
            company_name: fields.company_name,
            source: fields.source,
            status: fields.status.into(),
            score: fields.score,
            attributes: from_value(fields.attributes),
            import_id: lead.import_id.map(Id),
            created_at: lead.created_at.into(),
            updated_at: lead.updated_at.into(),
        }
    }
}

impl Example for Lead {
    fn example() -> Self {
        Self {
            id: Id::example(),
            contact_id: Some(Id::example()),
            first_name: Some("Ada".to_owned()),
            last_name: Some("Lovelace".to_owned()),
            email: Some("ada@example.org".to_owned()),
            phone: Some("+14155550123".to_owned()),
            company_name: None,
            source: "web".to_owned(),
            status: LeadStatus::New,
            score: 0,
            attributes: Attributes::from([("utm_campaign".to_owned(), Any(serde_json::json!("spring")))]),
            import_id: None,
            created_at: Time::example(),
            updated_at: Time::example(),
        }
    }
}

/// A lead to be made.
#[derive(Debug, Object)]
#[oai(example)]
pub struct LeadCreate {
    /// The contact behind it.
    pub contact_id: Option<Id<ContactId>>,
    /// Given name.
    #[oai(validator(max_length = 500))]
    pub first_name: Option<String>,
    /// Family name.
    #[oai(validator(max_length = 500))]
    pub last_name: Option<String>,
    /// E-mail address.
    #[oai(validator(min_length = 1, max_length = 320))]
    pub email: Option<String>,
    /// Phone number in any usual spelling; without a country code it is read in the tenant's default country.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub phone: Option<String>,
    /// Where the person works.
    #[oai(validator(max_length = 500))]
    pub company_name: Option<String>,
    /// Where the lead came from; `other` where it is left out.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub source: Option<String>,
    /// How far it has come; `new` where it is left out.
    pub status: Option<LeadStatus>,
    /// How promising it is.
    #[oai(default)]
    pub score: i32,
    /// Free attributes; at most 64 KiB of JSON.
    #[oai(default)]
    pub attributes: Attributes,
}

impl From<LeadCreate> for domain::LeadFields {
    fn from(wanted: LeadCreate) -> Self {
        Self {
            contact_id: wanted.contact_id.map(|id| id.0),
            first_name: wanted.first_name,
            last_name: wanted.last_name,
            email: wanted.email,
            phone: wanted.phone,
            company_name: wanted.company_name,
            source: wanted.source.unwrap_or_else(|| "other".to_owned()),
            status: wanted.status.unwrap_or(LeadStatus::New).into(),
            score: wanted.score,
            attributes: to_value(wanted.attributes),
        }
    }
}

impl Example for LeadCreate {
    fn example() -> Self {
        Self {
            contact_id: None,
            first_name: Some("Ada".to_owned()),
            last_name: Some("Lovelace".to_owned()),
            email: Some("ada@example.org".to_owned()),
            phone: Some("+1 415-555-0123".to_owned()),
            company_name: None,
            source: Some("web".to_owned()),
            status: None,
            score: 0,
            attributes: Attributes::new(),
        }
    }
}

/// What to change of a lead: what is left out stays, null clears.
#[derive(Debug, Object)]
#[oai(example)]
pub struct LeadPatch {
    /// The contact behind it.
    pub contact_id: MaybeUndefined<Id<ContactId>>,
    /// Given name.
    #[oai(validator(max_length = 500))]
    pub first_name: MaybeUndefined<String>,
    /// Family name.
    #[oai(validator(max_length = 500))]
    pub last_name: MaybeUndefined<String>,
    /// E-mail address.
    #[oai(validator(min_length = 1, max_length = 320))]
    pub email: MaybeUndefined<String>,
    /// Phone number in any usual spelling.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub phone: MaybeUndefined<String>,
    /// Where the person works.
    #[oai(validator(max_length = 500))]
    pub company_name: MaybeUndefined<String>,
    /// Where the lead came from.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub source: Option<String>,
    /// How far it has come.
    pub status: Option<LeadStatus>,
    /// How promising it is.
    pub score: Option<i32>,
    /// Free attributes: those named are set, those that are null are taken away, the others stay (RFC 7396).
    pub attributes: MaybeUndefined<Attributes>,
}

impl LeadPatch {
    /// Changes `fields` as the patch says.
    pub fn apply(self, fields: &mut domain::LeadFields) {
        match self.contact_id {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => fields.contact_id = None,
            MaybeUndefined::Value(id) => fields.contact_id = Some(id.0),
        }
        set(&mut fields.first_name, self.first_name);
        set(&mut fields.last_name, self.last_name);
        set(&mut fields.email, self.email);
        set(&mut fields.phone, self.phone);
        set(&mut fields.company_name, self.company_name);
        fields.source = self.source.unwrap_or_else(|| std::mem::take(&mut fields.source));
        fields.status = self.status.map_or(fields.status, Into::into);
        fields.score = self.score.unwrap_or(fields.score);
        merge(&mut fields.attributes, self.attributes);
    }
}

impl Example for LeadPatch {
    fn example() -> Self {
        Self {
            contact_id: MaybeUndefined::Undefined,
            first_name: MaybeUndefined::Undefined,
            last_name: MaybeUndefined::Undefined,
            email: MaybeUndefined::Undefined,
            phone: MaybeUndefined::Undefined,
            company_name: MaybeUndefined::Value("Acme".to_owned()),
            source: None,
            status: Some(LeadStatus::Contacted),
            score: Some(10),
            attributes: MaybeUndefined::Undefined,
        }
    }
}

/// A lead that is gone.
#[derive(Debug, Object)]
#[oai(example)]
pub struct LeadDeleted {
    /// Its id.
    pub id: Id<LeadId>,
    /// Always true.
    pub deleted: bool,
}

impl Example for LeadDeleted {
    fn example() -> Self {
        Self { id: Id::example(), deleted: true }
    }
}
