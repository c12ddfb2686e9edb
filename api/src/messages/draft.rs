//! Messages to be: their types on the wire, and what can be said of them without the database.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use patchbay_db::ids::ContactId;
use patchbay_domain::messages::accept::{Content, Draft, Recipient, Size};
use patchbay_domain::messages::{self as domain, Body};
use patchbay_providers::sms::segments;
use poem_openapi::{Enum, Object, types::Example};

use crate::http::{FieldError, Id, Time, bulk::BulkMode};

/// No send is planned further ahead.
const FURTHEST: TimeDelta = TimeDelta::days(366);

/// What a message to be sent is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum MessagePurpose {
    /// The recipient expects it: it may go where consent is unknown, never where they opted out.
    Transactional,
    /// Everything that advertises: it needs an opt-in on record.
    Marketing,
}

/// A message to be sent: to a contact or a number, by template or as a text.
#[derive(Debug, Object)]
#[oai(example)]
pub struct MessageCreate {
    /// The contact to text, at its primary SMS address. Either this or `to`.
    pub contact_id: Option<Id<ContactId>>,
    /// The number to text, in E.164. Either this or `contact_id`.
    #[oai(validator(max_length = 40))]
    pub to: Option<String>,
    /// The sender's address; the tenant's default where it is left out.
    #[oai(validator(max_length = 40))]
    pub from: Option<String>,
    /// A template, by its id or its code. Either this or `body`.
    #[oai(validator(max_length = 100))]
    pub template: Option<String>,
    /// A value for each of the template's variables.
    pub variables: Option<HashMap<String, String>>,
    /// The text, up to 1,600 characters. Either this or `template`.
    #[oai(validator(max_length = 10000))]
    pub body: Option<String>,
    /// What it is for; the template's class, or transactional, where it is left out. A marketing template cannot be sent
    /// as transactional.
    pub class: Option<MessagePurpose>,
    /// Not to be sent before; now where it is left out.
    pub send_at: Option<Time>,
}

impl Example for MessageCreate {
    fn example() -> Self {
        Self {
            contact_id: None,
            to: Some("+12025550123".to_owned()),
            from: None,
            template: None,
            variables: None,
            body: Some("Hi Ada, welcome to Acme.".to_owned()),
            class: Some(MessagePurpose::Transactional),
            send_at: None,
        }
    }
}

/// One message of a batch.
#[derive(Debug, Object)]
#[oai(example)]
pub struct MessageBatchItem {
    /// The contact to text, at its primary SMS address. Either this or `to`.
    pub contact_id: Option<Id<ContactId>>,
    /// The number to text, in E.164. Either this or `contact_id`.
    #[oai(validator(max_length = 40))]
    pub to: Option<String>,
    /// A template, by its id or its code; the batch's where neither this nor `body` is there.
    #[oai(validator(max_length = 100))]
    pub template: Option<String>,
    /// A value for each of the template's variables.
    pub variables: Option<HashMap<String, String>>,
    /// The text, up to 1,600 characters.
    #[oai(validator(max_length = 10000))]
    pub body: Option<String>,
}

impl Example for MessageBatchItem {
    fn example() -> Self {
        Self {
            contact_id: None,
            to: Some("+12025550123".to_owned()),
            template: None,
            variables: Some(HashMap::from([("first_name".to_owned(), "Ada".to_owned())])),
            body: None,
        }
    }
}

/// Messages to be sent by one job.
#[derive(Debug, Object)]
#[oai(example)]
pub struct MessageBatchCreate {
    /// Whether one refused message refuses all; `strict` where it is left out.
    pub mode: Option<BulkMode>,
    /// The sender's address; the tenant's default where it is left out.
    #[oai(validator(max_length = 40))]
    pub from: Option<String>,
    /// The template of the messages that name none and have no text.
    #[oai(validator(max_length = 100))]
    pub template: Option<String>,
    /// What they are for; see a single message.
    pub class: Option<MessagePurpose>,
    /// Not to be sent before; now where it is left out.
    pub send_at: Option<Time>,
    /// The messages.
    #[oai(validator(min_items = 1, max_items = 1000))]
    pub messages: Vec<MessageBatchItem>,
}

impl Example for MessageBatchCreate {
    fn example() -> Self {
        Self {
            mode: Some(BulkMode::Permissive),
            from: None,
            template: Some("welcome".to_owned()),
            class: None,
            send_at: None,
            messages: vec![MessageBatchItem::example()],
        }
    }
}

/// The fields that a single message and one of a batch share.
pub(crate) struct Fields {
    pub contact_id: Option<Id<ContactId>>,
    pub to: Option<String>,
    pub template: Option<String>,
    pub variables: Option<HashMap<String, String>>,
    pub body: Option<String>,
}

/// The draft that the fields make.
///
/// # Errors
/// What is there twice, or missing.
pub(crate) fn draft(fields: Fields, class: Option<MessagePurpose>) -> Result<Draft, FieldError> {
    let to = match (fields.contact_id, fields.to) {
        (Some(id), None) => Recipient::Contact(id.0),
        (None, Some(number)) => Recipient::Address(number),
        (None, None) => return Err(FieldError::new("/to", "required", "Name a contact_id, or a number in to.")),
        (Some(_), Some(_)) => {
            return Err(FieldError::new("/to", "conflict", "Name a contact_id or a number, not both."));
        }
    };
    let content = match (fields.template, fields.body) {
        (Some(name), None) => {
            Content::Template { name, variables: fields.variables.unwrap_or_default().into_iter().collect() }
        }
        (None, Some(text)) if fields.variables.is_none_or(|variables| variables.is_empty()) => {
            Content::Text(Body(text))
        }
        (None, Some(_)) => return Err(FieldError::new("/variables", "conflict", "Variables belong to a template.")),
        (None, None) => return Err(FieldError::new("/body", "required", "Name a template, or give a text in body.")),
        (Some(_), Some(_)) => return Err(FieldError::new("/body", "conflict", "Give a template or a text, not both.")),
    };
    let class = class.map(|class| match class {
        MessagePurpose::Transactional => domain::MessageClass::Transactional,
        MessagePurpose::Marketing => domain::MessageClass::Marketing,
    });
    Ok(Draft { to, content, class })
}

/// When to send, where that is later than now.
///
/// # Errors
/// For a time too far away.
pub(super) fn send_at(wanted: Option<Time>, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, FieldError> {
    match wanted.map(|at| at.0) {
        Some(at) if at > now + FURTHEST => {
            Err(FieldError::new("/send_at", "too_far", "A send can be planned for at most 366 days ahead."))
        }
        at => Ok(at.filter(|at| *at > now)),
    }
}

/// The size of a text, as the domain asks for it.
pub(crate) fn measure(text: &str) -> Size {
    let size = segments::measure(text);
    Size { segments: i16::try_from(size.segments).unwrap_or(i16::MAX), too_long: size.too_long }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields { contact_id: None, to: Some("+1".into()), template: None, variables: None, body: Some("x".into()) }
    }

    #[test]
    fn a_draft_has_one_recipient_and_one_content() {
        let pointer = |fields| draft(fields, None).err().map(|error| (error.pointer, error.code));
        assert_eq!(pointer(fields()), None);
        let both = Fields { contact_id: Some(Id::example()), ..fields() };
        assert_eq!(pointer(both), Some(("/to".into(), "conflict")));
        assert_eq!(pointer(Fields { to: None, ..fields() }), Some(("/to".into(), "required")));
        assert_eq!(pointer(Fields { body: None, ..fields() }), Some(("/body".into(), "required")));
        assert_eq!(pointer(Fields { template: Some("t".into()), ..fields() }), Some(("/body".into(), "conflict")));
        let stray = Fields { variables: Some(HashMap::from([("a".into(), "b".into())])), ..fields() };
        assert_eq!(pointer(stray), Some(("/variables".into(), "conflict")));
    }

    #[test]
    fn a_time_that_has_passed_is_now() {
        let now = Time::example().0;
        assert_eq!(send_at(Some(Time(now - TimeDelta::days(1))), now), Ok(None));
        assert_eq!(send_at(Some(Time(now + TimeDelta::days(1))), now), Ok(Some(now + TimeDelta::days(1))));
        assert!(send_at(Some(Time(now + TimeDelta::days(400))), now).is_err());
    }
}
