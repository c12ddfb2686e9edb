//! Messages: accepted at the door, claimed and recorded by the send job, settled by what the provider reports.
//!
//! One send path. A message is a row with a job before anybody is told 202 ([`accept`]); the job claims its rows in
//! sets, and the claim is committed before anything leaves ([`send`]); receipts and look-ups settle them by rank
//! ([`settle`]). Every write takes a set, and every state change is guarded by the state it expects.

pub mod accept;
pub mod cancel;
pub mod dead;
pub mod events;
pub mod get;
pub mod inbound;
pub mod lane;
pub mod list;
pub mod model;
pub mod raw;
pub mod reconcile;
pub mod redrive;
pub mod send;
pub mod settle;
pub mod state;

pub use model::{Body, Message};
pub use state::{Direction, MessageClass, MessageState};
