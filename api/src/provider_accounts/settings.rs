//! A Twilio account's settings: what goes in, what is shown, what is sealed.
//!
//! The fields are written out here for the document; which are secret and what they must look like is said once, by
//! the provider's own schema, and a test holds the two together.

use patchbay_providers::{Account, ConfigSchema};
use poem_openapi::{
    Object,
    types::{Example, ToJSON},
};
use serde_json::{Map, Value};

use crate::http::{Code, FieldError, Problem};

/// A Twilio account and its secrets.
#[derive(Object)]
#[oai(example)]
pub struct TwilioSettings {
    /// The account or subaccount that owns the senders (`AC…`), from the Twilio console's front page.
    #[oai(validator(max_length = 128))]
    pub account_sid: String,
    /// The account's primary auth token: checks the signatures of webhooks, and authenticates requests when there is
    /// no API key. Never shown again.
    #[oai(validator(max_length = 128))]
    pub auth_token: String,
    /// The other auth token while tokens are being rotated; webhooks signed with either are taken. Never shown again.
    #[oai(validator(max_length = 128), skip_serializing_if_is_none)]
    pub auth_token_secondary: Option<String>,
    /// A standard API key (`SK…`) to authenticate requests with instead of the auth token.
    #[oai(validator(max_length = 128), skip_serializing_if_is_none)]
    pub api_key_sid: Option<String>,
    /// The API key's secret. Never shown again.
    #[oai(validator(max_length = 128), skip_serializing_if_is_none)]
    pub api_key_secret: Option<String>,
}

impl std::fmt::Debug for TwilioSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TwilioSettings").field("account_sid", &self.account_sid).finish_non_exhaustive()
    }
}

impl Example for TwilioSettings {
    fn example() -> Self {
        Self {
            account_sid: "AC0123456789abcdef0123456789abcdef".to_owned(),
            auth_token: "0123456789abcdef0123456789abcdef".to_owned(),
            auth_token_secondary: None,
            api_key_sid: None,
            api_key_secret: None,
        }
    }
}

/// A Twilio account, without its secrets.
#[derive(Debug, Object)]
#[oai(example)]
pub struct TwilioShown {
    /// The account.
    pub account_sid: String,
    /// The API key that authenticates requests, if one does.
    pub api_key_sid: Option<String>,
}

impl TwilioShown {
    pub(super) fn of(settings: &Value) -> Self {
        let text = |name: &str| settings.get(name).and_then(Value::as_str).map(str::to_owned);
        Self { account_sid: text("account_sid").unwrap_or_default(), api_key_sid: text("api_key_sid") }
    }
}

impl Example for TwilioShown {
    fn example() -> Self {
        Self { account_sid: TwilioSettings::example().account_sid, api_key_sid: None }
    }
}

/// Settings that were checked, in two parts.
pub(super) struct Checked {
    pub external_id: String,
    pub shown: Value,
    pub secret: Value,
}

/// Checks settings against the provider's schema.
///
/// # Errors
/// 422 with a pointer for each mistake; no value is quoted.
pub(super) fn check(settings: &TwilioSettings, schema: &ConfigSchema) -> Result<Checked, Problem> {
    let value = Value::Object(match settings.to_json() {
        Some(Value::Object(fields)) => fields.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Map::new(),
    });
    schema.check(&value).map_err(|issues| {
        let at = |pointer: &str| format!("/settings{pointer}");
        let errors = issues.into_iter().map(|issue| FieldError::new(at(&issue.pointer), issue.code, issue.detail));
        let detail = "The settings are not those of an account of this provider.";
        Problem::new(Code::ValidationFailed, detail).with_errors(errors.collect())
    })?;
    let (shown, secret) = Account::split(schema, &value);
    Ok(Checked { external_id: settings.account_sid.clone(), shown, secret })
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchbay_providers::twilio::CONFIG;

    #[test]
    fn the_fields_of_the_document_are_those_of_the_provider() {
        let full = TwilioSettings {
            auth_token_secondary: Some("x".to_owned()),
            api_key_sid: Some("SK0123456789abcdef0123456789abcdef".to_owned()),
            api_key_secret: Some("x".to_owned()),
            ..TwilioSettings::example()
        };
        let fields: Vec<String> = full.to_json().unwrap().as_object().unwrap().keys().cloned().collect();
        let known: Vec<&str> = CONFIG.fields.iter().map(|field| field.name).collect();
        assert_eq!(fields, known);
        assert!(check(&full, &CONFIG).is_ok());
    }

    #[test]
    fn secrets_are_kept_apart_and_a_mistake_has_its_pointer() {
        let checked = check(&TwilioSettings::example(), &CONFIG).unwrap();
        assert!(checked.shown.get("auth_token").is_none() && checked.secret.get("auth_token").is_some());
        let wrong = TwilioSettings { account_sid: "AC1".to_owned(), ..TwilioSettings::example() };
        let problem = check(&wrong, &CONFIG).err().unwrap();
        assert_eq!(problem.errors()[0].pointer, "/settings/account_sid");
    }
}
