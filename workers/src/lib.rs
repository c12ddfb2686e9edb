//! One handler per kind of job, and the process that runs them.
//!
//! A handler is given a payload and a context and says how the run ended; the rules it follows are `domain`'s, what is
//! a provider's is in `providers`, and how a job is claimed, tried again or given up is the queue engine's.
//! Adding a job: `docs/adding-a-job.md`.

pub mod handlers;
pub mod imports;
pub mod jobs;
pub mod maintenance;
pub mod messages;
pub mod runtime;
pub mod schedules;
