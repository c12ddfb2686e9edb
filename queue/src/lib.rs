#![doc = include_str!("../README.md")]

pub mod backend;
pub mod board;
pub mod clock;
pub mod context;
pub mod dispatcher;
pub mod enqueuer;
pub mod envelope;
pub mod flow;
pub mod group_commit;
pub mod handler;
pub mod job;
pub mod keeper;
pub mod lanes;
pub mod ledger;
pub mod outcome;
pub mod policy;
mod reported;
pub mod schedule;
pub mod seal;
pub mod sql;
pub mod testkit;

pub use backend::{QueueBackend, WorkerSettings};
pub use context::{JobContext, Tokens};
pub use dispatcher::Dispatcher;
pub use enqueuer::{Enqueue, EnqueueError, Enqueuer};
pub use envelope::Envelope;
pub use flow::{After, Conflict, Flow, Hold};
pub use handler::{Handler, Registry};
pub use job::{Job, JobRequest, NewJob};
pub use keeper::{Keeper, KeeperSettings};
pub use lanes::{LaneName, Lanes};
pub use outcome::{ErrorClass, JobError, Outcome};
pub use policy::Policy;

/// The ledger's tables. Run them before (or merged by version with) your own migrations.
pub const MIGRATIONS: diesel_migrations::EmbeddedMigrations = diesel_migrations::embed_migrations!("sql");

/// The tenant of work that belongs to nobody in particular (schedules, maintenance).
pub const SYSTEM_TENANT: uuid::Uuid = uuid::Uuid::nil();
