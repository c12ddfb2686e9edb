//! One provider account as a provider sees it: an id and its settings.
//!
//! All values are held as secrets, also the public ones: a provider that later makes a field secret then cannot leak
//! it through an old `Debug`. Which fields exist and which are secret is the provider's [`ConfigSchema`]'s to say.

use std::{collections::BTreeMap, fmt};

use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

use crate::{ConfigSchema, ProviderKind};

/// Credentials and settings of one account at one provider. `Debug` shows field names only.
#[derive(Clone)]
pub struct Account {
    id: Uuid,
    kind: ProviderKind,
    values: BTreeMap<String, SecretString>,
}

impl Account {
    /// Builds an account from its settings, given as one or several JSON objects (usually the public part and the
    /// unsealed secret part; a later one wins). Values that are not text are ignored: [`ConfigSchema::check`] refuses
    /// them when the account is saved.
    #[must_use]
    pub fn new(id: Uuid, kind: ProviderKind, settings: &[&Value]) -> Self {
        let values = settings
            .iter()
            .filter_map(|part| part.as_object())
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), SecretString::from(value.as_str()?))))
            .collect();
        Self { id, kind, values }
    }

    /// The provider account's id in our records, for logs.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// Whose account it is.
    #[must_use]
    pub const fn kind(&self) -> ProviderKind {
        self.kind
    }

    /// One setting, absent when it was not given or is empty.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&SecretString> {
        use secrecy::ExposeSecret;
        self.values.get(field).filter(|value| !value.expose_secret().is_empty())
    }

    /// Splits settings into the part that may be shown and the part that must be sealed.
    #[must_use]
    pub fn split(schema: &ConfigSchema, settings: &Value) -> (Value, Value) {
        let (secret, public): (serde_json::Map<_, _>, serde_json::Map<_, _>) = settings
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone()))
            .partition(|(name, _)| schema.is_secret(name));
        (Value::Object(public), Value::Object(secret))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("fields", &self.values.keys().collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn debug_shows_names_and_no_values() {
        let account = Account::new(Uuid::nil(), ProviderKind::Twilio, &[&json!({"auth_token": "hush", "n": 3})]);
        let shown = format!("{account:?}");
        assert!(shown.contains("auth_token") && !shown.contains("hush"), "{shown}");
        assert!(account.get("n").is_none());
    }

    #[test]
    fn splitting_keeps_what_the_schema_does_not_know_out_of_the_public_part() {
        let settings = json!({"account_sid": "AC1", "auth_token": "hush", "surprise": "hush"});
        let (public, secret) = Account::split(&crate::twilio::CONFIG, &settings);
        assert_eq!(public, json!({"account_sid": "AC1"}));
        assert_eq!(secret, json!({"auth_token": "hush", "surprise": "hush"}));
    }
}
