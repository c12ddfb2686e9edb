//! Sealing and opening an account's credentials.
//!
//! What is sealed is a JSON object of the secret settings, bound to the tenant and the row: copied to another row it
//! does not open.

use patchbay_db::TypedId;
use patchbay_db::ids::{ProviderAccountId, TenantId};
use patchbay_service::Sealer;
use patchbay_service::secrets::{OpenError, Place};
use secrecy::ExposeSecret;
use serde_json::Value;

/// Why credentials cannot be used. Says nothing about their content.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// They do not open.
    #[error("the credentials do not open")]
    Open(#[from] OpenError),
    /// They opened to something that is no settings object.
    #[error("the credentials are malformed")]
    Malformed,
}

fn place(tenant: TenantId, account: ProviderAccountId) -> Place {
    Place { purpose: "provider_accounts.credentials", tenant_id: tenant.uuid(), row_id: account.uuid() }
}

/// Seals the secret part of an account's settings.
#[must_use]
pub fn seal(sealer: &Sealer, tenant: TenantId, account: ProviderAccountId, secrets: &Value) -> Vec<u8> {
    sealer.seal(&place(tenant, account), secrets.to_string().as_bytes())
}

/// Opens what [`seal`] sealed.
///
/// # Errors
/// See [`CredentialsError`]; none passes by retrying.
pub fn open(
    sealer: &Sealer,
    tenant: TenantId,
    account: ProviderAccountId,
    sealed: &[u8],
) -> Result<Value, CredentialsError> {
    let opened = sealer.open(&place(tenant, account), sealed)?;
    serde_json::from_slice(opened.expose_secret()).map_err(|_| CredentialsError::Malformed)
}
