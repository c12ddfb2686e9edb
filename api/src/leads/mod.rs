//! `/v1/leads`: prospects that nobody has qualified yet.

mod create;
mod delete;
mod dto;
mod get;
mod list;
mod patch;

crate::scope!(
    /// May read leads.
    pub Read = "leads:read"
);
crate::scope!(
    /// May make, change and delete leads.
    pub Write = "leads:write"
);

/// The operations of this resource.
pub type Operations = (create::Create, list::List, get::Get, patch::Patch, delete::Delete);
