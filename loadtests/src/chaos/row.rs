//! What a scenario found: one row of `.dev/chaos.json` and of the table.
//!
//! A row says nothing of the scale at which it was found, and nothing may be added to its promised shape: the scale of a file
//! stands in another one beside it, and rows of another scale are not kept together with new ones.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::{Deserialize, Serialize};

use super::scenarios::Name;
use super::stage::Scale;

/// Full speed has to be back within this many seconds.
pub const RECOVERY: f64 = 15.0;

/// One scenario's counts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub scenario: String,
    /// Jobs that were accepted; none that was merged into another.
    pub jobs: u64,
    /// Runs that began; more than jobs where some began twice.
    pub executions: u64,
    /// Effects that the observer counted; fewer than jobs where some are to end without.
    pub effects: u64,
    /// Jobs that ended without their effect, or otherwise than they should, or whose row is gone.
    pub lost: u64,
    /// Effects beyond a job's first, and any of one that was merged into another or cancelled before it began.
    pub doubled: u64,
    /// Beginnings that a limit or a pause forbade, and jobs that began before what they wait for was over: another job, the
    /// one before in their order, a group, a start time, a hold.
    pub over_limit: u64,
    /// Leases, envelopes, lanes, keys and ties that were left when all was over.
    pub leaked: u64,
    /// Jobs that were not over when patience was.
    pub stuck: u64,
    /// From the end of the worst blow until work went at full speed again; none where that cannot be measured.
    pub recovered_s: Option<f64>,
    /// Whether all is as promised.
    pub holds: bool,
}

impl Row {
    /// This and `more` of the same scenario.
    pub fn and(self, more: &Self) -> Self {
        Self {
            jobs: self.jobs + more.jobs,
            executions: self.executions + more.executions,
            effects: self.effects + more.effects,
            lost: self.lost + more.lost,
            doubled: self.doubled + more.doubled,
            over_limit: self.over_limit + more.over_limit,
            leaked: self.leaked + more.leaked,
            stuck: self.stuck + more.stuck,
            recovered_s: self.recovered_s.zip(more.recovered_s).map(|(one, other)| one.max(other)),
            ..self
        }
    }

    /// Judges itself.
    pub fn judged(mut self) -> Self {
        let faults = self.lost + self.doubled + self.over_limit + self.leaked + self.stuck;
        self.holds = faults == 0 && self.jobs > 0 && self.recovered_s.is_some_and(|seconds| seconds <= RECOVERY);
        self
    }
}

/// The rows of a run, or of a file: one a scenario, in the order of the scenarios.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Rows {
    rows: Vec<Row>,
}

impl Rows {
    /// Those of the file at `path`, if it is there and of this scale, of scenarios that there still are.
    pub fn load(path: &Path, scale: Scale) -> Self {
        if fs::read_to_string(beside(path)).ok() != Some(noted(scale)) {
            return Self::default();
        }
        let text = fs::read(path).unwrap_or_default();
        let mut found: Self = serde_json::from_slice(&text).unwrap_or_default();
        found.rows.retain(|row| Name::place(&row.scenario).is_some());
        found
    }

    /// Adds one, in place of its scenario's if there is one.
    pub fn put(&mut self, row: Row) {
        self.rows.retain(|old| old.scenario != row.scenario);
        self.rows.push(row);
        self.rows.sort_by_key(|row| Name::place(&row.scenario));
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

    /// Writes them, found at this scale, to `path`, at one stroke.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, path: &Path, scale: Scale) -> Result<()> {
        let new = path.with_extension("json.new");
        fs::write(&new, serde_json::to_string_pretty(self)? + "\n")
            .and_then(|()| fs::rename(&new, path))
            .and_then(|()| fs::write(beside(path), noted(scale)))
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
            let mut cells = vec![row.scenario.clone()];
            cells.extend(counts.iter().chain([&row.leaked, &row.stuck]).map(u64::to_string));
            cells.push(row.recovered_s.map_or_else(|| "unmeasured".to_owned(), |seconds| format!("{seconds:.1} s")));
            cells.push(if row.holds { "holds".to_owned() } else { "BROKEN".to_owned() });
            table.add_row(cells);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.to_string()
    }
}

/// Where the scale of the rows at `path` stands.
fn beside(path: &Path) -> PathBuf {
    path.with_extension("scale")
}

fn noted(scale: Scale) -> String {
    format!("{} jobs, {} a second\n", scale.jobs, scale.rate)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn row() -> Row {
        Row {
            scenario: "test".to_owned(),
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
        rows.put(row().judged());
        let keys = "{\"rows\":[{\"scenario\":\"test\",\"jobs\":3,\"executions\":4,\"effects\":3,\"lost\":0,\"doubled\":0,\
                    \"over_limit\":0,\"leaked\":0,\"stuck\":0,\"recovered_s\":1.0,\"holds\":true}]}";
        assert_eq!(rows.json().unwrap(), keys);
    }

    const SCALE: Scale = Scale { jobs: 300, rate: 100, lease: Duration::from_secs(3), short: true };

    fn of(scenario: &str, jobs: u64) -> Row {
        Row { scenario: scenario.to_owned(), jobs, ..row() }
    }

    /// What a run of `rows` at `scale` leaves of a file with rows of `network` and `clock`, as names and jobs.
    fn left(file: &str, scale: Scale, rows: &[Row]) -> Vec<(String, u64)> {
        let path = std::env::temp_dir().join(format!("chaos-{}-{file}.json", std::process::id()));
        let mut before = Rows::default();
        [of("clock", 1), of("network", 1)].into_iter().for_each(|row| before.put(row));
        before.save(&path, SCALE).unwrap();
        let mut kept = Rows::load(&path, scale);
        rows.iter().for_each(|row| kept.put(row.clone()));
        kept.save(&path, scale).unwrap();
        let found: Rows = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        [path.clone(), beside(&path)].iter().for_each(|path| fs::remove_file(path).unwrap());
        found.rows.into_iter().map(|row| (row.scenario, row.jobs)).collect()
    }

    #[test]
    fn a_run_of_some_scenarios_replaces_their_rows_alone() {
        let rows = [("network", 1), ("rolling", 2), ("clock", 2)].map(|(name, jobs)| (name.to_owned(), jobs));
        assert_eq!(left("some", SCALE, &[of("clock", 2), of("rolling", 2)]), rows);
    }

    #[test]
    fn rows_of_another_scale_are_not_kept() {
        assert_eq!(left("scale", Scale { jobs: 500, ..SCALE }, &[of("clock", 2)]), [("clock".to_owned(), 2)]);
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
