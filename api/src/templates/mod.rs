//! `/v1/templates`: texts with variables. The sample that other resources follow.

mod archive;
mod create;
mod dto;
mod faults;
mod get;
mod list;
mod patch;
mod preview;

crate::scope!(
    /// May read templates.
    pub Read = "templates:read"
);
crate::scope!(
    /// May make, change and archive templates.
    pub Write = "templates:write"
);

/// The operations of this resource.
pub type Operations = (create::Create, list::List, get::Get, patch::Patch, archive::Archive, preview::Preview);
