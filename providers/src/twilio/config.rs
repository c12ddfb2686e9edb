//! What a Twilio account is configured with, and the credentials read from it.
//!
//! The auth token is required even with an API key: Twilio signs webhooks with the token only. The second token keeps
//! receipts verifiable while the first is being rotated, since the switch at Twilio and here is never one instant.

use secrecy::{ExposeSecret, SecretString};

use crate::{Account, ConfigField, ConfigSchema, ErrorClass, ErrorScope, ProviderError, Shape};

const ACCOUNT_SID: Shape = Shape::Sid("AC");

/// Settings of a Twilio account.
pub static CONFIG: ConfigSchema = ConfigSchema {
    title: "Twilio",
    fields: &[
        ConfigField {
            name: "account_sid",
            title: "Account SID",
            description: "The account or subaccount that owns the senders, from the Twilio console's front page.",
            secret: false,
            required: true,
            shape: ACCOUNT_SID,
        },
        ConfigField {
            name: "auth_token",
            title: "Auth token",
            description: "The account's primary auth token. Checks the signatures of webhooks, and authenticates \
                          requests when no API key is given.",
            secret: true,
            required: true,
            shape: Shape::Token(128),
        },
        ConfigField {
            name: "auth_token_secondary",
            title: "Secondary auth token",
            description: "The other auth token while tokens are being rotated; webhooks signed with either are taken.",
            secret: true,
            required: false,
            shape: Shape::Token(128),
        },
        ConfigField {
            name: "api_key_sid",
            title: "API key SID",
            description: "A standard API key to authenticate requests with instead of the auth token.",
            secret: false,
            required: false,
            shape: Shape::Sid("SK"),
        },
        ConfigField {
            name: "api_key_secret",
            title: "API key secret",
            description: "The secret of the API key, shown once when the key was made.",
            secret: true,
            required: false,
            shape: Shape::Token(128),
        },
    ],
    pairs: &[("api_key_sid", "api_key_secret")],
};

/// Whether an address is the id of a Twilio Messaging Service, which picks a sender itself.
#[must_use]
pub fn is_messaging_service(address: &str) -> bool {
    Shape::Sid("MG").fits(address)
}

/// Whether an id may be a Twilio message's. Ids become part of a path, so nothing else may pass.
pub fn is_message_sid(id: &str) -> bool {
    Shape::Sid("SM").fits(id) || Shape::Sid("MM").fits(id)
}

/// Who to be at Twilio.
pub struct Credentials<'a> {
    pub account_sid: &'a str,
    pub user: &'a str,
    pub password: &'a SecretString,
}

impl<'a> Credentials<'a> {
    /// The API key when there is one, else the auth token.
    pub fn of(account: &'a Account) -> Result<Self, ProviderError> {
        let public = |field| account.get(field).map(ExposeSecret::expose_secret);
        let account_sid =
            public("account_sid").filter(|sid| ACCOUNT_SID.fits(sid)).ok_or_else(|| incomplete("account SID"))?;
        if let (Some(user), Some(password)) = (public("api_key_sid"), account.get("api_key_secret")) {
            return Ok(Self { account_sid, user, password });
        }
        let password = account.get("auth_token").ok_or_else(|| incomplete("auth token"))?;
        Ok(Self { account_sid, user: account_sid, password })
    }
}

fn incomplete(what: &str) -> ProviderError {
    ProviderError::new(ErrorClass::AuthFailed, ErrorScope::Account, format!("the account has no usable {what}"))
}

/// The tokens that a webhook may be signed with.
pub fn signing_tokens(account: &Account) -> impl Iterator<Item = &SecretString> {
    ["auth_token", "auth_token_secondary"].into_iter().filter_map(|field| account.get(field))
}
