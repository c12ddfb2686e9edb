//! The engine against a real PostgreSQL and a real Redis, one database and one namespace a test.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "the engine's clock is the machine's, and so is its tests'")]

mod control;
mod durability;
mod exact;
mod fairness;
mod lifecycle;
mod plain_apalis;
mod relay;
mod shutdown;
mod weather;
mod world;
