//! The scheduler: its ticker with others beside it, killed in between, and the real program.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "the program under test runs by the machine's clock")]

mod once;
mod program;
