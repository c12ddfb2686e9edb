//! PostgreSQL: a database for one run, and the programs that lie beside the server.

pub mod database;

pub use database::Database;
