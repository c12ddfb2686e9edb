//! Maintenance: what the installation does for itself, across tenants.
//!
//! The jobs belong to [`SYSTEM_TENANT`](patchbay_queue::SYSTEM_TENANT), schedules make them, and each is unique: a run
//! that takes longer than its schedule's period is not joined by a second one.

pub mod imports;
pub mod partitions;
pub mod reconcile_all;
pub mod retention;

pub use imports::SweepImports;
pub use partitions::MakePartitions;
pub use reconcile_all::ReconcileAll;
pub use retention::Retain;
