//! `/v1/tenants`: for the people who run the installation, with the system key; `/v1/tenant`: a key's own tenant.

mod create;
mod create_key;
mod current;
mod dto;
mod get;
mod list;
mod patch;

crate::scope!(
    /// May read its own tenant.
    pub Read = "tenant:read"
);

/// The operations of this resource.
pub type Operations = (create::Create, list::List, get::Get, patch::Patch, create_key::CreateKey, current::Current);
