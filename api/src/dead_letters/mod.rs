//! `/v1/dead_letters`: jobs that gave up. They are jobs, so the scopes are those of jobs.

mod audited;
mod discard;
mod dto;
mod get;
mod list;
mod redrive;
mod selection;

/// The operations of this resource.
pub type Operations = (list::List, get::Get, redrive::Redrive, discard::Discard);
