//! The handlers of messages against real PostgreSQL, real Redis, and a provider that misbehaves over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "the engine under test runs by the machine's clock")]

mod faults;
mod keywords;
mod once;
mod progress;
mod receipts;
mod reconcile;
mod trace;
mod world;
