//! Schedules: cron rules in time zones that enqueue, as records of tenants and of the program itself.
//!
//! [`Rule`] knows the instants, [`CatchUp`] what becomes of those that nobody took in time, [`take`] that each is taken once.
//! The engine does not know what a tick does: it keeps a record's `action`, and whoever takes the ticks makes their jobs.

mod catch_up;
mod declare;
mod record;
mod rule;
mod shares;
#[cfg(test)]
mod simulation;
pub mod store;
pub mod take;

pub use catch_up::{CatchUp, Due, ON_TIME};
pub use declare::{Declared, declare};
pub use record::{NewSchedule, Schedule};
pub use rule::{Rule, RuleError};
