//! `/v1/jobs`: work that goes on after its request was answered.

mod cancel;
pub(crate) mod dto;
mod events;
mod get;
mod hold;
mod links;
mod list;
mod release;
mod retry;
pub mod watch;

crate::scope!(
    /// May read jobs and dead letters, and follow them.
    pub Read = "jobs:read"
);
crate::scope!(
    /// May cancel, hold, release, retry, redrive and discard.
    pub Write = "jobs:write"
);

/// The operations of this resource.
pub type Operations =
    (list::List, get::Get, events::Events, cancel::Cancel, retry::Retry, hold::Hold, release::Release);
