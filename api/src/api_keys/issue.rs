//! Making a key: the same for a tenant's own and for the operator's, which differ only in who may.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use patchbay_db::{DbResult, ids::TenantId};
use patchbay_domain::{
    api_keys::{self, ApiKey, NewKey},
    audit,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::dto::{ApiKeyCreate, ApiKeyCreated};
use crate::{
    app::App,
    http::{Created, Problem, reply::Secret},
    openapi,
};

/// Checks what a type cannot say: that the scopes exist, and that the expiry is still to come.
///
/// # Errors
/// `validation_failed`, with the place.
pub fn checked(wanted: ApiKeyCreate, now: DateTime<Utc>) -> Result<ApiKeyCreate, Problem> {
    for (index, scope) in wanted.scopes.iter().enumerate() {
        api_keys::check_scope(scope, openapi::scopes())
            .map_err(|fault| Problem::refused(format!("/scopes/{index}"), "unknown_scope", fault.to_string()))?;
    }
    if wanted.expires_at.is_some_and(|at| at.0 <= now) {
        return Err(Problem::refused("/expires_at", "in_the_past", "The expiry has passed already."));
    }
    Ok(wanted)
}

/// A fresh key with its secret.
pub fn new_key(app: &App, tenant: TenantId, wanted: ApiKeyCreate, now: DateTime<Utc>) -> (NewKey, SecretString) {
    let mode = wanted.mode.into();
    let issued = api_keys::issue(mode, app.entropy.array());
    let new = NewKey {
        id: app.db.new_id(now),
        tenant,
        name: wanted.name,
        hash: issued.hash,
        hint: issued.hint,
        mode,
        scopes: wanted.scopes,
        expires_at: wanted.expires_at.map(|at| at.0),
    };
    (new, issued.secret)
}

/// The answer that shows the secret.
pub fn created(key: ApiKey, secret: &SecretString) -> Secret<Created<ApiKeyCreated>> {
    let location = format!("/v1/api_keys/{}", key.id);
    let record = ApiKeyCreated { secret: secret.expose_secret().to_owned(), api_key: key.into() };
    Secret(Created { location, record })
}

/// Who did what to a key, for the audit log.
pub struct Deed<'a> {
    /// Whose key it is.
    pub tenant: TenantId,
    /// Who did it.
    pub actor: &'a str,
    /// What was done.
    pub action: &'static str,
    /// The request that did it.
    pub request_id: &'a str,
    /// When.
    pub at: DateTime<Utc>,
}

/// Writes `deed` to the audit log.
///
/// # Errors
/// As any write.
pub async fn audit(conn: &mut AsyncPgConnection, app: &App, key: &ApiKey, deed: Deed<'_>) -> DbResult<()> {
    let entry = audit::Entry {
        id: app.db.new_id(deed.at),
        tenant: deed.tenant,
        actor: deed.actor,
        action: deed.action,
        subject: key.id.to_string(),
        detail: json!({ "name": key.name, "hint": key.hint, "scopes": key.scopes, "mode": key.mode.as_str() }),
        request_id: Some(deed.request_id),
        at: deed.at,
    };
    audit::record(conn, entry).await
}
