//! What API keys look like on the wire. Only [`ApiKeyCreated`] has the secret.

use patchbay_db::ids::ApiKeyId;
use patchbay_domain::api_keys as domain;
use poem_openapi::{Enum, Object, types::Example};

use crate::http::{Id, Time};

/// What a key's calls reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum KeyMode {
    /// The simulator's rules: nothing leaves the house.
    Test,
    /// The real providers.
    Live,
}

impl From<KeyMode> for domain::KeyMode {
    fn from(mode: KeyMode) -> Self {
        match mode {
            KeyMode::Test => Self::Test,
            KeyMode::Live => Self::Live,
        }
    }
}

impl From<domain::KeyMode> for KeyMode {
    fn from(mode: domain::KeyMode) -> Self {
        match mode {
            domain::KeyMode::Test => Self::Test,
            domain::KeyMode::Live => Self::Live,
        }
    }
}

/// A key, without its secret.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ApiKey {
    /// Its id.
    pub id: Id<ApiKeyId>,
    /// What people call it.
    pub name: String,
    /// Its beginning and its last four digits, to recognise it by.
    pub hint: String,
    /// What its calls reach.
    pub mode: KeyMode,
    /// What it may do; `*` stands for everything.
    pub scopes: Vec<String>,
    /// When it stops to work by itself.
    pub expires_at: Option<Time>,
    /// When it was last used, to within half a minute.
    pub last_used_at: Option<Time>,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
    /// When it was made.
    pub created_at: Time,
}

impl From<domain::ApiKey> for ApiKey {
    fn from(key: domain::ApiKey) -> Self {
        Self {
            id: Id(key.id),
            name: key.name,
            hint: key.hint,
            mode: key.mode.into(),
            scopes: key.scopes,
            expires_at: key.expires_at.map(Time),
            last_used_at: key.last_used_at.map(Time),
            revoked_at: key.revoked_at.map(Time),
            created_at: key.created_at.into(),
        }
    }
}

impl Example for ApiKey {
    fn example() -> Self {
        Self {
            id: Id::example(),
            name: "Website".to_owned(),
            hint: "pb_test_…9f3c".to_owned(),
            mode: KeyMode::Test,
            scopes: vec!["contacts:write".to_owned(), "messages:send".to_owned()],
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
            created_at: Time::example(),
        }
    }
}

/// A key that was just made, with its secret.
#[derive(Object)]
#[oai(example)]
pub struct ApiKeyCreated {
    /// The secret. Keep it: it is not shown again.
    pub secret: String,
    /// The key.
    pub api_key: ApiKey,
}

impl Example for ApiKeyCreated {
    fn example() -> Self {
        Self {
            secret: "pb_test_000000000000000000000000000000000000000000009f3c".to_owned(),
            api_key: ApiKey::example(),
        }
    }
}

/// A key to be made.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ApiKeyCreate {
    /// What people call it.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub name: String,
    /// What its calls reach.
    pub mode: KeyMode,
    /// What it may do: the scopes that operations name, or `*` for everything.
    #[oai(validator(min_items = 1, max_items = 50, unique_items, max_length = 64))]
    pub scopes: Vec<String>,
    /// When it stops to work by itself; never where it is left out.
    pub expires_at: Option<Time>,
}

impl Example for ApiKeyCreate {
    fn example() -> Self {
        Self { name: "Website".to_owned(), mode: KeyMode::Test, scopes: vec!["*".to_owned()], expires_at: None }
    }
}
