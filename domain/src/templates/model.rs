//! A template as it is stored, made and changed.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid};
use patchbay_db::ids::TemplateId;

/// What its messages are for: quiet hours and consent differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, diesel::FromSqlRow)]
pub enum TemplateClass {
    /// The recipient expects it: a receipt, an appointment.
    Transactional,
    /// Everything else.
    Marketing,
}

impl TemplateClass {
    /// As the database writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::Marketing => "marketing",
        }
    }
}

impl FromSql<Text, Pg> for TemplateClass {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match <String as FromSql<Text, Pg>>::from_sql(value)?.as_str() {
            "transactional" => Ok(Self::Transactional),
            "marketing" => Ok(Self::Marketing),
            other => Err(format!("{other:?} is no class of a template").into()),
        }
    }
}

/// A text with variables.
#[derive(Debug, Clone, QueryableByName)]
pub struct Template {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: TemplateId,
    /// The name that programs use; unique among a tenant's living templates of one channel and locale.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// What people call it.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// `sms`, so far.
    #[diesel(sql_type = Text)]
    pub channel: String,
    /// BCP 47.
    #[diesel(sql_type = Text)]
    pub locale: String,
    /// What its messages are for.
    #[diesel(sql_type = Text)]
    pub class: TemplateClass,
    /// The text.
    #[diesel(sql_type = Text)]
    pub body: String,
    /// The names of its variables, sorted.
    #[diesel(sql_type = Array<Text>)]
    pub variables: Vec<String>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
    /// When it was archived.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub archived_at: Option<DateTime<Utc>>,
}

/// A template to be made.
#[derive(Debug, Clone)]
pub struct NewTemplate {
    /// Its id.
    pub id: TemplateId,
    /// The name that programs use.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// BCP 47.
    pub locale: String,
    /// What its messages are for.
    pub class: TemplateClass,
    /// The text.
    pub body: String,
    /// The names of its variables, as `TemplateText::variables` gives them.
    pub variables: Vec<String>,
}

/// What to change; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct TemplatePatch {
    /// What people call it.
    pub name: Option<String>,
    /// What its messages are for.
    pub class: Option<TemplateClass>,
    /// The text, with the names of its variables.
    pub body: Option<(String, Vec<String>)>,
}

impl TemplatePatch {
    /// Whether it would make `before` another.
    #[must_use]
    pub fn changes(&self, before: &Template) -> bool {
        self.name.as_ref().is_some_and(|name| *name != before.name)
            || self.class.is_some_and(|class| class != before.class)
            || self.body.as_ref().is_some_and(|(body, _)| *body != before.body)
    }
}
