//! `/v1/api_keys`: a tenant's own keys.
//!
//! A tenant's first key comes from the operator (`tenants_create_key`).

mod create;
pub(crate) mod dto;
mod get;
pub(crate) mod issue;
mod list;
mod revoke;

crate::scope!(
    /// May list keys (never their secrets).
    pub Read = "api_keys:read"
);
crate::scope!(
    /// May make and revoke keys.
    pub Write = "api_keys:write"
);

/// The operations of this resource.
pub type Operations = (create::Create, list::List, get::Get, revoke::Revoke);
