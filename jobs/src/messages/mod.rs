//! Messages: sending them, applying what providers report of them, and taking in what contacts write.

pub mod inbound;
pub mod receipt;
pub mod reconcile;
pub mod send;

pub use inbound::TakeInbound;
pub use receipt::ApplyReceipts;
pub use reconcile::Reconcile;
pub use send::SendMessages;
