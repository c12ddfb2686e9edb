//! Queues and their lanes: how much waits, for how long, and what people stopped or slowed down.
//!
//! A tenant sees its own share, the operator all of it; the connection's role decides which, as everywhere. What is
//! decided is written to the ledger first and put into force in Redis after the commit ([`control`]); should that
//! fail, dispatcher repair copies it within seconds.

pub mod autoscale;
pub mod control;
pub mod lanes;
pub mod limits;
pub mod overview;
pub mod running;
pub mod tenants;

use patchbay_jobs::registry::{KINDS, Owner};

/// The names of the queues, sorted: those in which tenants' jobs wait, and (for the operator) the others too.
#[must_use]
pub fn names(others_too: bool) -> Vec<&'static str> {
    let kinds = KINDS.iter().filter(|kind| others_too || kind.owner == Owner::Tenant);
    let mut names: Vec<_> = kinds.map(|kind| kind.queue).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The kinds of jobs that wait in `queue`.
#[must_use]
pub fn kinds_of(queue: &str) -> Vec<&'static str> {
    KINDS.iter().filter(|kind| kind.queue == queue).map(|kind| kind.name).collect()
}
