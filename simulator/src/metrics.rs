//! The counts as Prometheus text.
//!
//! Written by hand from [`Counts`] rather than through a recorder: the counts must be exact and resettable, and
//! one list of names already exists.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::ledger::counts::Counts;

/// The body of `/metrics`.
pub(crate) fn render(counts: &Counts) -> String {
    let mut text = String::with_capacity(4096);
    for (name, value) in counts.growing() {
        line(&mut text, &format!("{name}_total"), "counter", value);
    }
    for (name, value) in counts.levels() {
        line(&mut text, name, "gauge", value);
    }
    by_code(&mut text, "rejected_by_code_total", &counts.rejected_by_code);
    by_code(&mut text, "failed_by_code_total", &counts.failed_by_code);
    text
}

fn line(text: &mut String, name: &str, kind: &str, value: u64) {
    let name = format!("patchbay_simulator_{name}");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {value}");
}

fn by_code(text: &mut String, name: &str, by_code: &BTreeMap<u32, u64>) {
    let name = format!("patchbay_simulator_{name}");
    let _ = writeln!(text, "# TYPE {name} counter");
    for (code, value) in by_code {
        let _ = writeln!(text, "{name}{{code=\"{code}\"}} {value}");
    }
}
