//! The handlers of the installation's own jobs. They see all tenants, each for a reason that it names.

mod imports;
mod partitions;
mod reconcile_all;
pub mod retention;

pub use imports::ImportSweeper;
pub use partitions::PartitionMaker;
pub use reconcile_all::ReconcileStarter;
pub use retention::Retention;
