//! The real program against the real API, each test with an API process and a database of its own.

#![expect(clippy::unwrap_used, reason = "tests")]

mod completion;
mod dead;
mod documented;
mod help;
mod limits;
mod looks;
mod program;
mod refusals;
mod schedules;
mod server;
mod terminal;
mod writes;
