//! The worker: the real program, killed and stopped, and the parts it is made of, against real PostgreSQL and Redis.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "the programs under test run by the machine's clock")]

mod crash;
mod ending;
mod handlers;
mod health;
mod listed;
mod maintenance;
mod paced;
mod program;
mod schedules;
mod start;
mod trace;
mod watchdog;
mod world;
