//! Jobs as a tenant sees them: where each stands, what it waits for, and what may be done about it.
//!
//! The ledger (`patchbay_queue::ledger`) is the truth about a job's life, Redis about this moment; [`situation`] puts
//! the two together. What a job's record must do when the job is cancelled or redriven is in [`records`], one arm a
//! kind, so that the general operations know no area.

pub mod cancel;
pub mod dead_keys;
pub mod dead_letters;
pub mod discard;
pub mod get;
pub mod held;
pub mod hold;
pub mod list;
pub mod model;
pub mod noted;
pub mod pace;
pub mod records;
pub mod redrive;
pub mod situation;
pub mod told;
mod why;

pub use model::{JobStatus, Waiting, WaitingReason};
