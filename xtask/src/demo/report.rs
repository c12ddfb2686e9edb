//! The end of the demo: a table for people, `.dev/demo.json` for programs, and what to try next.

use std::time::Duration;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::programs::Programs;
use super::step::Step;
use super::story::Told;
use crate::{dev, ui};

/// The result of a demo.
#[derive(Serialize)]
pub struct Report {
    /// Whether every step held.
    pub holds: bool,
    /// From the command to the end.
    pub seconds: f64,
    /// From the command to the first text that the phone had.
    pub first_delivered_seconds: Option<f64>,
    /// Each step.
    pub steps: Vec<Step>,
    #[serde(skip)]
    key: String,
    #[serde(skip)]
    asides: Vec<String>,
}

impl Report {
    /// Sums up what was told, which took `elapsed` from the command on.
    pub fn new(told: Told, elapsed: Duration) -> Self {
        Self {
            holds: !told.steps.is_empty() && told.steps.iter().all(|step| step.holds),
            seconds: elapsed.as_secs_f64(),
            first_delivered_seconds: told.first_delivered.map(|at| at.as_secs_f64()),
            steps: told.steps,
            key: told.key,
            asides: told.asides,
        }
    }

    /// Writes `.dev/demo.json`.
    pub fn write(&self) -> Result<()> {
        dev::write_json(&dev::dir()?.join("demo.json"), self)
    }

    /// The same as text.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// Prints the summary. With `gone`, nothing is left running to point at.
    pub fn print(&self, programs: &Programs, gone: bool) {
        ui::out("");
        for aside in &self.asides {
            ui::out(&format!("  {aside}"));
        }
        ui::out(&format!("\n{}\n", self.table()));
        let first = self.first_delivered_seconds.map_or_else(
            || "no text was delivered".to_owned(),
            |seconds| format!("the first text was delivered {} after the start", minutes(seconds)),
        );
        ui::out(&format!("  {} in all; {first}.", minutes(self.seconds)));
        ui::out(if self.holds {
            "  Every count is what it had to be."
        } else {
            "  Some counts are off: see the lines marked ✗ and the logs in .dev/logs/."
        });
        if !gone {
            ui::out(&self.next(programs));
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["step", "total", "succeeded", "failed", "skipped", "held", "seconds", ""]);
        for step in &self.steps {
            let counts = step.counts;
            let mut row = vec![step.name.replace('_', " ")];
            row.extend(
                [counts.total, counts.succeeded, counts.failed, counts.skipped, counts.held].map(|n| n.to_string()),
            );
            row.extend([format!("{:.1}", step.seconds), if step.holds { "✓" } else { "✗" }.to_owned()]);
            table.add_row(row);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn next(&self, programs: &Programs) -> String {
        let listed: Vec<String> = programs
            .group
            .running()
            .iter()
            .map(|one| format!("    {:<10} {}  (log {})", one.name, one.url, one.log.display()))
            .collect();
        format!(
            "\n  Everything is still running:\n{}\n\n  Try it: documentation at {api}/docs, and\n\n    \
             curl -H 'Authorization: Bearer {key}' '{api}/v1/messages?limit=3'\n\n  \
             `cargo xtask services down` stops it all.",
            listed.join("\n"),
            api = programs.addresses.api,
            key = self.key,
        )
    }
}

fn minutes(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    format!("{:.0} min {:02.0} s", (seconds / 60.0).floor(), seconds % 60.0)
}

#[cfg(test)]
mod tests {
    use super::minutes;

    #[test]
    fn times_are_written_as_people_say_them() {
        assert_eq!(minutes(7.25), "7.2 s");
        assert_eq!(minutes(125.0), "2 min 05 s");
    }
}
