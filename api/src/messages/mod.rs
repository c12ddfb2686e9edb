//! `/v1/messages`: texts that were sent, or came in.
//!
//! A send answers 202 with the message and its job once both are stored. What can be refused is refused before that,
//! by `patchbay_domain::messages::accept`.

mod batch;
mod cancel;
mod create;
pub(crate) mod draft;
mod dto;
mod get;
mod group;
mod list;
pub(crate) mod refused;

pub use group::Acceptor;

crate::scope!(
    /// May read messages.
    pub Read = "messages:read"
);
crate::scope!(
    /// May send and cancel messages.
    pub Write = "messages:write"
);

/// The operations of this resource.
pub type Operations = (create::Create, batch::Batch, list::List, get::Get, cancel::Cancel);
