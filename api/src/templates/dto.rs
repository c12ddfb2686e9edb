//! What templates look like on the wire: one type for reading, one for making, one for changing.

use patchbay_db::ids::TemplateId;
use patchbay_domain::templates as domain;
use poem_openapi::{Enum, Object, types::Example};

use crate::http::{Id, Time};

/// What a template's messages are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum TemplateClass {
    /// The recipient expects it: a receipt, an appointment.
    Transactional,
    /// Everything else.
    Marketing,
}

impl From<TemplateClass> for domain::TemplateClass {
    fn from(class: TemplateClass) -> Self {
        match class {
            TemplateClass::Transactional => Self::Transactional,
            TemplateClass::Marketing => Self::Marketing,
        }
    }
}

impl From<domain::TemplateClass> for TemplateClass {
    fn from(class: domain::TemplateClass) -> Self {
        match class {
            domain::TemplateClass::Transactional => Self::Transactional,
            domain::TemplateClass::Marketing => Self::Marketing,
        }
    }
}

/// The channel that a template is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum TemplateChannel {
    /// Text messages.
    Sms,
}

/// A text with variables.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Template {
    /// Its id.
    pub id: Id<TemplateId>,
    /// The name that programs use; unique among the living templates of one channel and locale.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// The channel that it is for.
    pub channel: TemplateChannel,
    /// The language of its text, as BCP 47.
    pub locale: String,
    /// What its messages are for.
    pub class: TemplateClass,
    /// The text; `{{ name }}` stands for a variable.
    pub body: String,
    /// The names of its variables, sorted.
    pub variables: Vec<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
    /// When it was archived; null while it lives.
    pub archived_at: Option<Time>,
}

impl From<domain::Template> for Template {
    fn from(template: domain::Template) -> Self {
        Self {
            id: Id(template.id),
            code: template.code,
            name: template.name,
            channel: TemplateChannel::Sms,
            locale: template.locale,
            class: template.class.into(),
            body: template.body,
            variables: template.variables,
            created_at: template.created_at.into(),
            updated_at: template.updated_at.into(),
            archived_at: template.archived_at.map(Time),
        }
    }
}

impl Example for Template {
    fn example() -> Self {
        Self {
            id: Id::example(),
            code: "welcome".to_owned(),
            name: "Welcome".to_owned(),
            channel: TemplateChannel::Sms,
            locale: "en".to_owned(),
            class: TemplateClass::Transactional,
            body: "Hi {{ first_name }}, welcome to Acme.".to_owned(),
            variables: vec!["first_name".to_owned()],
            created_at: Time::example(),
            updated_at: Time::example(),
            archived_at: None,
        }
    }
}

/// A template to be made.
#[derive(Debug, Object)]
#[oai(example)]
pub struct TemplateCreate {
    /// The name that programs use.
    #[oai(validator(pattern = "^[a-z0-9][a-z0-9_.-]{0,99}$"))]
    pub code: String,
    /// What people call it; the code where it is left out.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// The language of its text, as BCP 47; `en` where it is left out.
    #[oai(validator(pattern = "^[a-z]{2,3}(-[A-Z]{2})?$"))]
    pub locale: Option<String>,
    /// What its messages are for; `marketing`, the stricter one, where it is left out.
    pub class: Option<TemplateClass>,
    /// The text; `{{ name }}` stands for a variable.
    #[oai(validator(min_length = 1, max_length = 1600))]
    pub body: String,
}

impl Example for TemplateCreate {
    fn example() -> Self {
        Self {
            code: "welcome".to_owned(),
            name: Some("Welcome".to_owned()),
            locale: Some("en".to_owned()),
            class: Some(TemplateClass::Transactional),
            body: "Hi {{ first_name }}, welcome to Acme.".to_owned(),
        }
    }
}

/// What to change of a template; what is left out stays as it is.
#[derive(Debug, Object)]
#[oai(example)]
pub struct TemplatePatch {
    /// What people call it.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// What its messages are for.
    pub class: Option<TemplateClass>,
    /// The text; messages that are queued already keep the old one.
    #[oai(validator(min_length = 1, max_length = 1600))]
    pub body: Option<String>,
}

impl Example for TemplatePatch {
    fn example() -> Self {
        Self { name: None, class: None, body: Some("Hello {{ first_name }}, welcome to Acme.".to_owned()) }
    }
}
