//! `/v1/workers` and `/v1/autoscale`: the processes that run jobs, and how many are needed.
//!
//! A tenant's key sees the workers that run its jobs now, and of each no more than that: which machines of ours they are on, how
//! large they are and what else they run is nobody's business but ours. How many are needed is the operator's alone.

mod autoscale;
mod dto;
mod list;

/// The operations of this resource.
pub type Operations = (list::List, autoscale::Get);
