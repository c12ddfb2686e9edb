//! The engine against a real PostgreSQL and a real Redis, one database and one namespace a test.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "the engine's clock is the machine's, and so is its tests'")]

mod bare;
mod board;
mod clock;
mod control;
mod controls;
mod counters;
mod depth;
mod door;
mod durability;
mod enqueuer;
mod exact;
mod explain;
mod fair_shares;
mod fairness;
mod fan_out;
mod flow;
mod forgotten;
mod groups;
mod held;
mod lifecycle;
mod limits;
mod listing;
mod model_lanes;
mod model_ledger;
mod pauses;
mod payloads;
mod plain_apalis;
mod refused;
mod relay;
mod scripts;
mod secrets;
mod shutdown;
mod stands_alone;
mod stops;
mod stuck;
mod testkit;
mod told;
mod unique;
mod versions;
mod weather;
mod workers;
mod world;
