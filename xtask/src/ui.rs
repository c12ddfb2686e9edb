//! The only place that writes to the terminal.
//!
//! Results go to stdout and progress to stderr, so that `--json` output can be piped while a
//! person still sees what happens. A closed pipe is no reason to fail: write errors are dropped.

use std::io::Write;

/// A result line, on stdout.
pub fn out(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// A progress line, on stderr.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// What went wrong, on stderr.
pub fn error(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "error: {line}");
}
