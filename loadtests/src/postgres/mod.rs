//! PostgreSQL: a database for one run, and what is measured against.

pub mod database;
pub mod pgbench;
mod programs;

pub use database::Database;
pub use pgbench::Pgbench;
