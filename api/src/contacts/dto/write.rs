//! A contact to be made, and what to change of one.

use patchbay_domain::contacts::ContactFields;
use poem_openapi::{
    Object,
    types::{Any, Example, MaybeUndefined},
};

use super::{Attributes, ChannelCreate, ContactLifecycle, merge, set, to_value};

/// A contact to be made.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ContactCreate {
    /// Given name.
    #[oai(validator(max_length = 500))]
    pub first_name: Option<String>,
    /// Family name.
    #[oai(validator(max_length = 500))]
    pub last_name: Option<String>,
    /// What the person does.
    #[oai(validator(max_length = 500))]
    pub job_title: Option<String>,
    /// Where they work.
    #[oai(validator(max_length = 500))]
    pub company_name: Option<String>,
    /// ISO 3166-1 code, or the country's usual name.
    #[oai(validator(max_length = 100))]
    pub country: Option<String>,
    /// City.
    #[oai(validator(max_length = 500))]
    pub city: Option<String>,
    /// The language to write in, as BCP 47.
    #[oai(validator(max_length = 35))]
    pub locale: Option<String>,
    /// IANA time zone.
    #[oai(validator(max_length = 100))]
    pub timezone: Option<String>,
    /// How far the relation has come; `lead` where it is left out.
    pub lifecycle: Option<ContactLifecycle>,
    /// Free attributes; at most 64 KiB of JSON.
    #[oai(default)]
    pub attributes: Attributes,
    /// Their addresses.
    #[oai(default, validator(max_items = 20))]
    pub channels: Vec<ChannelCreate>,
}

impl ContactCreate {
    /// What the domain takes, and the addresses.
    pub fn into_domain(self) -> (ContactFields, Vec<ChannelCreate>) {
        let fields = ContactFields {
            first_name: self.first_name,
            last_name: self.last_name,
            job_title: self.job_title,
            company_name: self.company_name,
            country: self.country,
            city: self.city,
            locale: self.locale,
            timezone: self.timezone,
            lifecycle: self.lifecycle.unwrap_or(ContactLifecycle::Lead).into(),
            attributes: to_value(self.attributes),
        };
        (fields, self.channels)
    }
}

impl Example for ContactCreate {
    fn example() -> Self {
        Self {
            first_name: Some("Ada".to_owned()),
            last_name: Some("Lovelace".to_owned()),
            job_title: None,
            company_name: Some("Acme".to_owned()),
            country: Some("US".to_owned()),
            city: None,
            locale: None,
            timezone: Some("America/Los_Angeles".to_owned()),
            lifecycle: None,
            attributes: Attributes::from([("budget".to_owned(), Any(serde_json::json!(1200)))]),
            channels: vec![ChannelCreate::example()],
        }
    }
}

/// What to change of a contact: what is left out stays, null clears.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ContactPatch {
    /// Given name.
    #[oai(validator(max_length = 500))]
    pub first_name: MaybeUndefined<String>,
    /// Family name.
    #[oai(validator(max_length = 500))]
    pub last_name: MaybeUndefined<String>,
    /// What the person does.
    #[oai(validator(max_length = 500))]
    pub job_title: MaybeUndefined<String>,
    /// Where they work.
    #[oai(validator(max_length = 500))]
    pub company_name: MaybeUndefined<String>,
    /// ISO 3166-1 code, or the country's usual name.
    #[oai(validator(max_length = 100))]
    pub country: MaybeUndefined<String>,
    /// City.
    #[oai(validator(max_length = 500))]
    pub city: MaybeUndefined<String>,
    /// The language to write in, as BCP 47.
    #[oai(validator(max_length = 35))]
    pub locale: MaybeUndefined<String>,
    /// IANA time zone.
    #[oai(validator(max_length = 100))]
    pub timezone: MaybeUndefined<String>,
    /// How far the relation has come.
    pub lifecycle: Option<ContactLifecycle>,
    /// Free attributes: those named are set, those that are null are taken away, the others stay (RFC 7396).
    pub attributes: MaybeUndefined<Attributes>,
}

impl ContactPatch {
    /// Changes `fields` as the patch says.
    pub fn apply(self, fields: &mut ContactFields) {
        set(&mut fields.first_name, self.first_name);
        set(&mut fields.last_name, self.last_name);
        set(&mut fields.job_title, self.job_title);
        set(&mut fields.company_name, self.company_name);
        set(&mut fields.country, self.country);
        set(&mut fields.city, self.city);
        set(&mut fields.locale, self.locale);
        set(&mut fields.timezone, self.timezone);
        if let Some(lifecycle) = self.lifecycle {
            fields.lifecycle = lifecycle.into();
        }
        merge(&mut fields.attributes, self.attributes);
    }
}

impl Example for ContactPatch {
    fn example() -> Self {
        Self {
            first_name: MaybeUndefined::Undefined,
            last_name: MaybeUndefined::Value("King".to_owned()),
            job_title: MaybeUndefined::Null,
            company_name: MaybeUndefined::Undefined,
            country: MaybeUndefined::Undefined,
            city: MaybeUndefined::Undefined,
            locale: MaybeUndefined::Undefined,
            timezone: MaybeUndefined::Undefined,
            lifecycle: Some(ContactLifecycle::Customer),
            attributes: MaybeUndefined::Value(Attributes::from([("budget".to_owned(), Any(serde_json::Value::Null))])),
        }
    }
}
