//! What a scenario found: one row of `.dev/chaos.json` and of the table.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

/// Full speed has to be back within this many seconds.
pub const RECOVERY: f64 = 15.0;

/// One scenario's counts.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name.
    pub scenario: &'static str,
    /// Jobs that were accepted.
    pub jobs: u64,
    /// Runs that began; more than jobs where some began twice.
    pub executions: u64,
    /// Effects that the observer counted.
    pub effects: u64,
    /// Jobs that ended without their effect, or whose row is gone.
    pub lost: u64,
    /// Effects beyond a job's first.
    pub doubled: u64,
    /// Beginnings that a limit or a pause forbade.
    pub over_limit: u64,
    /// Leases, envelopes, lanes and keys that were left when all was over.
    pub leaked: u64,
    /// Jobs that were not over when patience was.
    pub stuck: u64,
    /// From the end of the worst blow until work went at full speed again; none where it never did.
    pub recovered_s: Option<f64>,
    /// Whether all is as promised.
    pub holds: bool,
}

impl Row {
    /// Judges itself.
    pub fn judged(mut self) -> Self {
        let faults = self.lost + self.doubled + self.over_limit + self.leaked + self.stuck;
        self.holds = faults == 0 && self.jobs > 0 && self.recovered_s.is_some_and(|seconds| seconds <= RECOVERY);
        self
    }
}

/// All rows of a run.
#[derive(Debug, Default, Serialize)]
pub struct Rows {
    rows: Vec<Row>,
}

impl Rows {
    /// Adds one.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Whether there are any, and all hold.
    pub fn hold(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row.holds)
    }

    /// As JSON on one line.
    ///
    /// # Errors
    /// None in practice: plain data serialises.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// Writes them to `path`, at one stroke.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let beside = path.with_extension("json.new");
        fs::write(&beside, serde_json::to_string_pretty(self)? + "\n")
            .and_then(|()| fs::rename(&beside, path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header([
            "scenario",
            "jobs",
            "runs",
            "effects",
            "lost",
            "doubled",
            "over limit",
            "leaked",
            "stuck",
            "recovered",
            "",
        ]);
        for row in &self.rows {
            let counts = [row.jobs, row.executions, row.effects, row.lost, row.doubled, row.over_limit];
            let mut cells = vec![row.scenario.to_owned()];
            cells.extend(counts.iter().chain([&row.leaked, &row.stuck]).map(u64::to_string));
            cells.push(row.recovered_s.map_or_else(|| "never".to_owned(), |seconds| format!("{seconds:.1} s")));
            cells.push(if row.holds { "holds".to_owned() } else { "BROKEN".to_owned() });
            table.add_row(cells);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            scenario: "test",
            jobs: 3,
            executions: 4,
            effects: 3,
            lost: 0,
            doubled: 0,
            over_limit: 0,
            leaked: 0,
            stuck: 0,
            recovered_s: Some(1.0),
            holds: false,
        }
    }

    #[test]
    fn the_json_has_the_promised_shape() {
        let mut rows = Rows::default();
        rows.push(row().judged());
        let keys = "{\"rows\":[{\"scenario\":\"test\",\"jobs\":3,\"executions\":4,\"effects\":3,\"lost\":0,\"doubled\":0,\
                    \"over_limit\":0,\"leaked\":0,\"stuck\":0,\"recovered_s\":1.0,\"holds\":true}]}";
        assert_eq!(rows.json().unwrap(), keys);
    }

    #[test]
    fn a_row_holds_only_without_any_fault() {
        assert!(row().judged().holds, "a run that began twice is no fault");
        assert!(!Row { lost: 1, ..row() }.judged().holds);
        assert!(!Row { stuck: 1, ..row() }.judged().holds);
        assert!(!Row { recovered_s: Some(15.1), ..row() }.judged().holds);
        assert!(!Row { recovered_s: None, ..row() }.judged().holds);
        assert!(!Row { jobs: 0, ..row() }.judged().holds, "nothing was shown");
        assert!(!Rows::default().hold());
    }
}
