//! Schedules: what a tenant has happen at set times.
//!
//! When and how often a schedule ticks is the queue engine's (`patchbay_queue::schedule`), which keeps its record; what a
//! tick does is here. An action goes the way of a call of the API: checked when it is stored, and accepted by the same
//! rules when it runs, because a recipient may say STOP in between.

mod action;
mod run;
mod store;

pub use action::{Action, BatchItem, MessageAction, MessageBatchAction};
pub use run::{Ran, Run, run};
pub use store::{Change, ScheduleError, Wanted, create, delete, get, list, next_times, pause, resume, run_now, update};
