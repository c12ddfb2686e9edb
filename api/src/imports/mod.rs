//! `/v1/imports`: files of leads, from upload to result.

mod cancel;
mod dto;
mod errors;
mod faults;
mod form;
mod get;
mod list;
mod pace;
mod receive;
mod start;
mod upload;

crate::scope!(
    /// May read imports and their errors files.
    pub Read = "imports:read"
);
crate::scope!(
    /// May upload, start and cancel imports.
    pub Write = "imports:write"
);

/// The operations of this resource.
pub type Operations = (upload::Upload, list::List, get::Get, start::Start, cancel::Cancel, errors::Errors);
