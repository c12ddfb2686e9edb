//! A key as it is stored, made and looked up.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{Array, Bool, Nullable, Text, Timestamptz, Uuid};
use patchbay_db::ids::{ApiKeyId, TenantId};

/// What the key's calls reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, diesel::FromSqlRow)]
pub enum KeyMode {
    /// The simulator's rules: nothing leaves the house.
    Test,
    /// The real providers.
    Live,
}

impl KeyMode {
    /// As the database writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

impl FromSql<Text, Pg> for KeyMode {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match <String as FromSql<Text, Pg>>::from_sql(value)?.as_str() {
            "test" => Ok(Self::Test),
            "live" => Ok(Self::Live),
            other => Err(format!("{other:?} is no mode of a key").into()),
        }
    }
}

/// A key, without its secret.
#[derive(Debug, Clone, QueryableByName)]
pub struct ApiKey {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: ApiKeyId,
    /// What people call it.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its beginning and its end, to recognise it by.
    #[diesel(sql_type = Text)]
    pub hint: String,
    /// What its calls reach.
    #[diesel(sql_type = Text)]
    pub mode: KeyMode,
    /// What it may do.
    #[diesel(sql_type = Array<Text>)]
    pub scopes: Vec<String>,
    /// When it stops to work by itself.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to within half a minute.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

/// What authentication needs to know of a key.
#[derive(Debug, Clone, QueryableByName)]
pub struct KeyRecord {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: ApiKeyId,
    /// Whose it is.
    #[diesel(sql_type = Uuid)]
    pub tenant_id: TenantId,
    /// What its calls reach.
    #[diesel(sql_type = Text)]
    pub mode: KeyMode,
    /// What it may do.
    #[diesel(sql_type = Array<Text>)]
    pub scopes: Vec<String>,
    /// When it stops to work by itself.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub revoked_at: Option<DateTime<Utc>>,
    /// Whether the tenant is active.
    #[diesel(sql_type = Bool)]
    pub tenant_active: bool,
}

/// A key to be made.
#[derive(Debug)]
pub struct NewKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// SHA-256 of its secret.
    pub hash: [u8; 32],
    /// Its beginning and its end.
    pub hint: String,
    /// What its calls reach.
    pub mode: KeyMode,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it stops to work by itself.
    pub expires_at: Option<DateTime<Utc>>,
}
