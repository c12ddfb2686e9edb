//! The scheduler: cron rules that enqueue jobs, and dispatcher repair.
//!
//! It does no job's work. Any number of schedulers may run: a tick is taken in the transaction that inserts its job,
//! so each tick enqueues once whoever lives, dies or hangs, and no leader is needed for that.

pub mod process;
pub mod repair;
pub mod statistics;
pub mod table;
pub mod ticker;
