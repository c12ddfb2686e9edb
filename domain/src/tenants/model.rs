//! A tenant as it is stored, made and changed.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid};
use patchbay_db::ids::TenantId;

/// Whether a tenant's keys work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, diesel::FromSqlRow)]
pub enum TenantStatus {
    /// Everything works.
    Active,
    /// Its keys are refused; nothing of it is lost.
    Suspended,
}

impl TenantStatus {
    /// As the database writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

impl FromSql<Text, Pg> for TenantStatus {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match <String as FromSql<Text, Pg>>::from_sql(value)?.as_str() {
            "active" => Ok(Self::Active),
            "suspended" => Ok(Self::Suspended),
            other => Err(format!("{other:?} is no status of a tenant").into()),
        }
    }
}

/// The isolation boundary.
#[derive(Debug, Clone, QueryableByName)]
pub struct Tenant {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: TenantId,
    /// The agency that it belongs to.
    #[diesel(sql_type = Nullable<Uuid>)]
    pub parent_id: Option<TenantId>,
    /// What people call it.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// IANA zone, for quiet hours and reports.
    #[diesel(sql_type = Text)]
    pub timezone: String,
    /// BCP 47, for texts without their own.
    #[diesel(sql_type = Text)]
    pub locale: String,
    /// ISO 4217.
    #[diesel(sql_type = Text)]
    pub currency: String,
    /// ISO 3166-1 alpha-2: for phone numbers without a country.
    #[diesel(sql_type = Nullable<Text>)]
    pub default_country: Option<String>,
    /// Its plan, which gives it its weight and its depth in the queues.
    #[diesel(sql_type = Nullable<Text>)]
    pub plan: Option<String>,
    /// Whether its keys work.
    #[diesel(sql_type = Text)]
    pub status: TenantStatus,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// A tenant to be made. Pass it through [`super::check`] first.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Its id.
    pub id: TenantId,
    /// What people call it.
    pub name: String,
    /// IANA zone.
    pub timezone: String,
    /// BCP 47.
    pub locale: String,
    /// ISO 4217.
    pub currency: String,
    /// ISO 3166-1 alpha-2.
    pub default_country: Option<String>,
    /// The name of its plan.
    pub plan: Option<String>,
}

/// What to change; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct TenantPatch {
    /// What people call it.
    pub name: Option<String>,
    /// IANA zone.
    pub timezone: Option<String>,
    /// BCP 47.
    pub locale: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// ISO 3166-1 alpha-2; `Some(None)` clears it.
    pub default_country: Option<Option<String>>,
    /// The name of its plan; `Some(None)` takes it away.
    pub plan: Option<Option<String>>,
    /// Whether its keys work.
    pub status: Option<TenantStatus>,
}

impl TenantPatch {
    /// Whether it would make `before` another.
    #[must_use]
    pub fn changes(&self, before: &Tenant) -> bool {
        let texts = [
            (&self.name, &before.name),
            (&self.timezone, &before.timezone),
            (&self.locale, &before.locale),
            (&self.currency, &before.currency),
        ];
        texts.into_iter().any(|(new, old)| new.as_ref().is_some_and(|new| new != old))
            || self.default_country.as_ref().is_some_and(|country| *country != before.default_country)
            || self.plan.as_ref().is_some_and(|plan| *plan != before.plan)
            || self.status.is_some_and(|status| status != before.status)
    }
}
