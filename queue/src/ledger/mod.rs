//! The ledger: what PostgreSQL knows of every job, in sets.
//!
//! A job is accepted when its row is committed, in the caller's own transaction. A row's `state` is
//! `scheduled` (not due), `waiting` (due: in Redis, running, or to be put there by repair), `held`,
//! or an end. There is no `running` state: writing one would cost each job a third row version. The
//! lease in Redis knows who runs what, and jobs that run long are marked (`running_since`).
//! Every statement here takes arrays; none is called in a loop.

pub mod cancel;
pub mod controls;
pub mod crash;
pub mod dead;
pub mod depth;
pub mod insert;
pub mod list;
pub mod partitions;
pub mod progress;
pub mod promote;
pub mod refill;
pub mod row;
pub mod settle;
pub mod view;

pub use insert::{Inserted, insert};
pub use row::JobRow;
