//! One step of the demo: a bar while it runs, a row when it is done.
//!
//! A step states beforehand what must come out, and holds only if exactly that does: the demo is
//! also the end-to-end test of the product. Without a terminal the bar is one line at the end.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::ui;

/// The counts of a step. They add up: total = succeeded + failed + skipped + held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Items in all.
    pub total: u64,
    /// Went well.
    pub succeeded: u64,
    /// Did not.
    pub failed: u64,
    /// Were left out on purpose: duplicates, refusals.
    pub skipped: u64,
    /// Wait, with a reason.
    pub held: u64,
}

impl Counts {
    /// The counts in a job's `progress` (see `api.md`).
    pub fn of_progress(progress: &serde_json::Value) -> Self {
        let count = |name: &str| progress[name].as_u64().unwrap_or_default();
        Self {
            total: count("total"),
            succeeded: count("succeeded"),
            failed: count("failed"),
            skipped: count("skipped"),
            held: count("held"),
        }
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            total: self.total + other.total,
            succeeded: self.succeeded + other.succeeded,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
            held: self.held + other.held,
        }
    }

    fn done(self) -> u64 {
        self.succeeded + self.failed + self.skipped + self.held
    }
}

/// A finished step, as it is written to `.dev/demo.json`.
#[derive(Debug, Serialize)]
pub struct Step {
    /// Short name.
    pub name: &'static str,
    /// What came out.
    #[serde(flatten)]
    pub counts: Counts,
    /// How long it took.
    pub seconds: f64,
    /// Whether what came out is what had to.
    pub holds: bool,
}

/// A step that is running.
pub struct Bar {
    name: &'static str,
    bar: ProgressBar,
    start: Instant,
    expected: Counts,
}

impl Bar {
    /// Begins a step from which `expected` must come.
    pub fn start(name: &'static str, what: &str, expected: Counts) -> Self {
        let bar = ProgressBar::new(expected.total);
        let style = ProgressStyle::with_template("  {msg:<34} {bar:30} {pos:>4}/{len:<4} {elapsed:>4}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─"));
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { name, bar, start: Instant::now(), expected }
    }

    /// Shows how far it is.
    pub fn show(&self, counts: Counts) {
        self.bar.set_length(counts.total.max(self.expected.total));
        self.bar.set_position(counts.done());
    }

    /// Ends it with what came out.
    pub fn finish(self, counts: Counts) -> Step {
        self.show(counts);
        self.bar.abandon();
        let seconds = self.start.elapsed().as_secs_f64();
        if self.bar.is_hidden() {
            ui::note(&format!("  {:<34} {}/{} in {seconds:.1} s", self.bar.message(), counts.done(), counts.total));
        }
        if counts != self.expected {
            ui::note(&format!("  ✗ expected {:?}\n    but got  {counts:?}", self.expected));
        }
        Step { name: self.name, counts, seconds, holds: counts == self.expected }
    }
}
