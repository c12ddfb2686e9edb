//! Our engine by itself: no CRM, no HTTP. What is left is the price of a job: its row, its way through Redis, its outcome.
//!
//! The worker runs inside the bench where rates and latencies are measured, as the compiled-in peers do; where a
//! process's death, memory or number is the matter, it runs in its own ([`process`]).

mod contender;
mod job;
mod limits;
pub mod process;
pub mod seed;
mod worker;
mod world;

pub use contender::Ours;
pub use job::QUEUE;
pub use world::World;
