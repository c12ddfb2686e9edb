//! The API as its callers see it: real routes over a real database, one of its own for each test.

#![expect(clippy::unwrap_used, reason = "tests")]

mod api_keys;
mod authorization;
mod document;
mod errors;
mod fixtures;
mod harness;
mod idempotency;
mod lists;
mod templates;
mod tenants;
