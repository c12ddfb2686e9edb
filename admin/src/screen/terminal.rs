//! The only place that writes: results to standard output, everything else to standard error.
//!
//! A closed pipe (`| head`) is no reason to fail: write errors are dropped.

use std::io::{Write as _, stderr, stdout};

/// A result.
pub fn result(text: &str) {
    if text.is_empty() {
        return;
    }
    let mut out = stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// Text that ends as it ends.
pub fn raw(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// A remark.
pub fn note(text: &str) {
    let _ = writeln!(stderr().lock(), "{text}");
}

/// What went wrong.
pub fn error(text: &str) {
    note(text);
}
