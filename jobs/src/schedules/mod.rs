//! Schedules: what a tenant has happen at set times.

pub mod run;

pub use run::RunSchedule;
