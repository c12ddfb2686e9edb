//! What tenants look like on the wire.

use patchbay_db::{DbError, SystemTx, ids::TenantId};
use patchbay_domain::tenants as domain;
use patchbay_queue::ledger::controls;
use poem_openapi::{
    Enum, Object,
    types::{Example, MaybeUndefined},
};

use crate::http::{Handled, Id, Problem, Time};

/// Whether a tenant's keys work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum TenantStatus {
    /// Everything works.
    Active,
    /// Its keys are refused; nothing of it is lost.
    Suspended,
}

impl From<TenantStatus> for domain::TenantStatus {
    fn from(status: TenantStatus) -> Self {
        match status {
            TenantStatus::Active => Self::Active,
            TenantStatus::Suspended => Self::Suspended,
        }
    }
}

/// The isolation boundary, with the defaults that everything in it falls back on.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Tenant {
    /// Its id.
    pub id: Id<TenantId>,
    /// The agency that it belongs to.
    pub parent_id: Option<Id<TenantId>>,
    /// What people call it.
    pub name: String,
    /// Its time zone, of the IANA database.
    pub timezone: String,
    /// The language of texts without their own, as BCP 47.
    pub locale: String,
    /// Its currency, as ISO 4217.
    pub currency: String,
    /// The country of phone numbers without one, as ISO 3166-1 alpha-2.
    pub default_country: Option<String>,
    /// Its plan: what it is worth in the queues (`plans_list`).
    pub plan: Option<String>,
    /// Whether its keys work.
    pub status: TenantStatus,
    /// When it was made.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

impl From<domain::Tenant> for Tenant {
    fn from(tenant: domain::Tenant) -> Self {
        Self {
            id: Id(tenant.id),
            parent_id: tenant.parent_id.map(Id),
            name: tenant.name,
            timezone: tenant.timezone,
            locale: tenant.locale,
            currency: tenant.currency,
            default_country: tenant.default_country,
            plan: tenant.plan,
            status: match tenant.status {
                domain::TenantStatus::Active => TenantStatus::Active,
                domain::TenantStatus::Suspended => TenantStatus::Suspended,
            },
            created_at: tenant.created_at.into(),
            updated_at: tenant.updated_at.into(),
        }
    }
}

impl Example for Tenant {
    fn example() -> Self {
        Self {
            id: Id::example(),
            parent_id: None,
            name: "Acme".to_owned(),
            timezone: "America/Chicago".to_owned(),
            locale: "en".to_owned(),
            currency: "USD".to_owned(),
            default_country: Some("US".to_owned()),
            plan: None,
            status: TenantStatus::Active,
            created_at: Time::example(),
            updated_at: Time::example(),
        }
    }
}

/// A tenant to be made.
#[derive(Debug, Object)]
#[oai(example)]
pub struct TenantCreate {
    /// What people call it.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub name: String,
    /// Its time zone, of the IANA database; `UTC` where it is left out.
    #[oai(validator(min_length = 1, max_length = 64))]
    pub timezone: Option<String>,
    /// The language of texts without their own, as BCP 47; `en` where it is left out.
    #[oai(validator(pattern = "^[a-z]{2,3}(-[A-Z]{2})?$"))]
    pub locale: Option<String>,
    /// Its currency, as ISO 4217; `USD` where it is left out.
    #[oai(validator(pattern = "^[A-Z]{3}$"))]
    pub currency: Option<String>,
    /// The country of phone numbers without one, as ISO 3166-1 alpha-2.
    #[oai(validator(pattern = "^[A-Z]{2}$"))]
    pub default_country: Option<String>,
    /// The name of its plan; none where it is left out.
    #[oai(validator(pattern = "^[a-z][a-z0-9_-]{0,62}$"))]
    pub plan: Option<String>,
}

impl Example for TenantCreate {
    fn example() -> Self {
        Self {
            name: "Acme".to_owned(),
            timezone: Some("America/Chicago".to_owned()),
            locale: Some("en".to_owned()),
            currency: Some("USD".to_owned()),
            default_country: Some("US".to_owned()),
            plan: None,
        }
    }
}

/// What to change of a tenant; what is left out stays as it is.
#[derive(Debug, Object)]
#[oai(example)]
pub struct TenantPatch {
    /// What people call it.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// Its time zone, of the IANA database.
    #[oai(validator(min_length = 1, max_length = 64))]
    pub timezone: Option<String>,
    /// The language of texts without their own, as BCP 47.
    #[oai(validator(pattern = "^[a-z]{2,3}(-[A-Z]{2})?$"))]
    pub locale: Option<String>,
    /// Its currency, as ISO 4217.
    #[oai(validator(pattern = "^[A-Z]{3}$"))]
    pub currency: Option<String>,
    /// The country of phone numbers without one, as ISO 3166-1 alpha-2; null clears it.
    #[oai(validator(pattern = "^[A-Z]{2}$"))]
    pub default_country: MaybeUndefined<String>,
    /// The name of its plan; null takes it away.
    #[oai(validator(pattern = "^[a-z][a-z0-9_-]{0,62}$"))]
    pub plan: MaybeUndefined<String>,
    /// Whether its keys work.
    pub status: Option<TenantStatus>,
}

impl Example for TenantPatch {
    fn example() -> Self {
        Self {
            name: None,
            timezone: Some("Europe/Berlin".to_owned()),
            locale: None,
            currency: None,
            default_country: MaybeUndefined::Value("DE".to_owned()),
            plan: MaybeUndefined::Undefined,
            status: None,
        }
    }
}

/// What a patch says of a field that null clears.
pub(super) fn cleared<T>(wanted: MaybeUndefined<T>) -> Option<Option<T>>
where
    T: poem_openapi::types::Type,
{
    match wanted {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

/// Refuses a plan that does not stand.
pub(super) async fn check_plan(tx: &mut SystemTx, plan: Option<&str>) -> Handled<()> {
    let Some(plan) = plan else { return Ok(()) };
    let stands = controls::plan_stands(tx, plan).await.map_err(DbError::from)?;
    if stands { Ok(()) } else { Err(refused(domain::TenantFault::Plan).into()) }
}

/// The domain's refusal, with its pointer.
pub(super) fn refused(fault: domain::TenantFault) -> Problem {
    Problem::refused(format!("/{}", fault.field()), "unknown", fault.to_string())
}
