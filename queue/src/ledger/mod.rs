//! The ledger: what PostgreSQL knows of every job, in sets.
//!
//! A job is accepted when its row is committed, in the caller's own transaction. A row's `state` is
//! `scheduled` (not due), `waiting` (due: in Redis, running, or to be put there by repair), `held`,
//! or an end. There is no `running` state: writing one would cost each job a third row version. The
//! lease in Redis knows who runs what, and jobs that run long are marked (`running_since`).
//! Every statement here takes arrays; none is called in a loop.

pub mod aside;
mod atomic;
pub mod attempt;
pub mod cancel;
pub(crate) mod circle;
pub mod controls;
pub mod crash;
pub mod dead;
pub mod dependencies;
pub mod depth;
pub mod groups;
pub mod guard;
pub mod hold;
pub mod insert;
pub mod lapse;
pub mod list;
mod order;
pub mod partitions;
pub mod payload;
pub mod progress;
pub mod promote;
pub mod refill;
mod room;
pub mod row;
pub mod settle;
pub(crate) mod text;
pub mod tidy;
mod time;
pub mod unique;
pub mod view;

pub use circle::Circle;
pub use guard::{DepthGuard, Full};
pub use insert::{Changed, Enqueued, Inserted, enqueue, insert};
pub use row::JobRow;
pub use time::now;
