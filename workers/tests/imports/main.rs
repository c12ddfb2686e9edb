//! Promises of `imports.leads`, on a real database: every row has one outcome, whatever happens to the worker.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bench;
mod dedupe;
mod files;
mod interrupted;
