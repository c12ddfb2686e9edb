//! The scheduler: its ticker with others beside it, killed in between, and the real program.
#![expect(clippy::unwrap_used, reason = "tests")]

mod declared;
mod killed;
mod once;
mod program;
mod shared;
mod tenants;
mod world;
