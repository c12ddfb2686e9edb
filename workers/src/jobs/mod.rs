//! The handlers of work on other jobs.

mod discard;
mod pace;
mod redrive;

pub use discard::Discarder;
pub use redrive::Redriver;
