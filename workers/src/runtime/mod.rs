//! The worker process around the handlers: what it connects to, what it serves, how it ends.
//!
//! One apalis worker per queue, so that a queue's concurrency is its own; beside them a keeper (any worker can repair
//! the dispatcher, so that an installation without a scheduler still heals), the health listener and a watchdog.
//! No handler knows any of this: it gets a job and a context.

mod cli;
pub mod fault;
mod guard;
mod health;
mod identity;
mod process;
mod providers;
mod queue_worker;
mod watchdog;

pub use cli::{Cli, Plan};
pub use identity::identity;
pub use process::{Failure, run};
pub use queue_worker::{QueueWorker, haunted};
pub use watchdog::{Dog, Verdict};
