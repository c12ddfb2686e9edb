//! A worker process of these runs: the product's runtime (claims, leases, drain, watchdog, keeper), jobs of our own.

mod client;
pub mod jobs;
mod worker;

pub use worker::{Args, BITTEN, run};
