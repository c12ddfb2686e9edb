//! Patchbay's stand-in for Twilio SMS, spoken over real HTTP.
//!
//! Why a server and not a mock object: what breaks a sender is the wire. An answer that never arrives, a
//! receipt that comes twice, a signature over the wrong URL. None of that exists behind a trait. The same
//! program runs beside the demo (`patchbay-simulator`) and inside other crates' tests ([`Simulator::start`],
//! port 0), so that both prove the same contract. The product itself must never depend on this crate.
//!
//! The README beside this crate lists the endpoints, the magic numbers and where the contract was simplified.

mod account;
mod chance;
mod clock;
mod config;
mod control;
mod faults;
mod flight;
mod ledger;
mod magic;
mod message;
mod messages;
mod metrics;
mod plan;
mod server;
mod state;
mod sync;
mod timeline;
mod twilio;
mod wire;

pub use account::settings::{AccountSettings, Overflow, Throughput};
pub use config::Config;
pub use faults::effect::Effect;
pub use faults::{FaultKind, Faults, Rule};
pub use ledger::counts::Counts;
pub use ledger::duplicates::Duplicate;
pub use magic::{MAGIC, Magic};
pub use server::{RunningSimulator, Simulator, StartError};
