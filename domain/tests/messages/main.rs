//! Messages against PostgreSQL: what the door refuses, what the claim refuses, how reports settle.
#![expect(clippy::unwrap_used, reason = "tests")]

mod accept;
mod inbound;
mod ranks;
mod schedules;
mod send;
mod support;
