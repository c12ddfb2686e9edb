//! The promises of the database, on a real PostgreSQL. Each test has a database of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod catalog;
mod isolation;
mod jobs;
mod migrations;
mod paging;
mod plain_owner;
mod pools;
mod samples;
mod statistics;
mod support;
mod testdb;
mod tls;
mod transactions;
