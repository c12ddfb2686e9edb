//! `/v1/workers` and `/v1/autoscale`: the processes that run jobs, and how many are needed.
//!
//! For the operator only. A tenant's own running jobs are in `GET /v1/jobs?status=running`; which machines of ours run
//! them, and what else they run, is nobody's business but ours.

mod autoscale;
mod dto;
mod list;

/// The operations of this resource.
pub type Operations = (list::List, autoscale::Get);
