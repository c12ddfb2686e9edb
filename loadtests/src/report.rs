//! What a bench found: rows with their limits, as JSON for scripts and as a table for people.
//!
//! A row's bar is about its ratio where it was measured against something, else about its value. A row
//! without a bar only gives the scale. Whether a row holds never changes the exit code: the figures are looked at.

use std::fs;

use anyhow::{Context, Result};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::measure::machine;
use crate::{clock, console, folders};

/// A limit.
#[derive(Debug, Clone, Copy)]
pub enum Bar {
    /// Holds when not more.
    AtMost(f64),
    /// Holds when not less.
    AtLeast(f64),
}

impl Bar {
    fn text(self) -> String {
        match self {
            Self::AtMost(limit) => format!("<= {}", number(limit)),
            Self::AtLeast(limit) => format!(">= {}", number(limit)),
        }
    }

    fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtMost(limit) => figure <= limit,
            Self::AtLeast(limit) => figure >= limit,
        }
    }
}

/// One figure.
#[derive(Debug, Serialize)]
pub struct Row {
    name: String,
    value: f64,
    unit: String,
    against: Option<String>,
    against_value: Option<f64>,
    ratio: Option<f64>,
    bar: Option<String>,
    holds: Option<bool>,
}

/// The findings of one bench.
#[derive(Debug, Serialize)]
pub struct Report {
    bench: &'static str,
    at: String,
    machine: String,
    rows: Vec<Row>,
    #[serde(skip)]
    remarks: Vec<String>,
}

impl Report {
    /// An empty report of the bench `bench`.
    pub fn new(bench: &'static str) -> Self {
        let at = clock::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        Self { bench, at, machine: machine::describe(), rows: Vec::new(), remarks: Vec::new() }
    }

    /// A figure by itself.
    pub fn figure(&mut self, name: &str, value: f64, unit: &str, bar: Option<Bar>) {
        let holds = bar.map(|bar| bar.holds(value));
        self.push(Row {
            name: name.to_owned(),
            value: round(value),
            unit: unit.to_owned(),
            against: None,
            against_value: None,
            ratio: None,
            bar: bar.map(Bar::text),
            holds,
        });
    }

    /// A figure by itself that was measured once, which a remark says: what is behind it takes minutes to set up.
    pub fn once(&mut self, name: &str, value: f64, unit: &str, bar: Option<Bar>) {
        self.figure(name, value, unit, bar);
        self.remark(format!("{name}: one run, no median"));
    }

    /// A figure beside another of the same unit and run; the bar is about `value / against_value`.
    pub fn compared(&mut self, name: &str, value: f64, unit: &str, against: (&str, f64), bar: Option<Bar>) {
        let ratio = value / against.1;
        let holds = bar.map(|bar| bar.holds(ratio));
        self.push(Row {
            name: name.to_owned(),
            value: round(value),
            unit: unit.to_owned(),
            against: Some(against.0.to_owned()),
            against_value: Some(round(against.1)),
            ratio: Some(round(ratio)),
            bar: bar.map(Bar::text),
            holds,
        });
    }

    /// A line under the table: what explains the figures.
    pub fn remark(&mut self, text: impl Into<String>) {
        self.remarks.push(text.into());
    }

    fn push(&mut self, row: Row) {
        console::note(&format!("  {}: {} {}", row.name, number(row.value), row.unit));
        self.rows.push(row);
    }

    /// Writes `.dev/bench/<file>.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, file: &str) -> Result<()> {
        let path = folders::results()?.join(format!("{file}.json"));
        let beside = path.with_extension("json.new");
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(&beside, text).with_context(|| format!("cannot write {}", beside.display()))?;
        fs::rename(&beside, &path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The table and the remarks.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header([self.bench, "value", "unit", "against", "value", "ratio", "bar", ""]);
        for row in &self.rows {
            let text = |value: Option<f64>| value.map(number).unwrap_or_default();
            let holds = row.holds.map_or("", |holds| if holds { "holds" } else { "MISSED" });
            table.add_row([
                row.name.clone(),
                number(row.value),
                row.unit.clone(),
                row.against.clone().unwrap_or_default(),
                text(row.against_value),
                text(row.ratio),
                row.bar.clone().unwrap_or_default(),
                holds.to_owned(),
            ]);
        }
        for column in [1, 4, 5] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut text = format!("{table}\n{} · {}\n", self.machine, self.at);
        for remark in &self.remarks {
            text.push_str(remark);
            text.push('\n');
        }
        text
    }

    /// The same as JSON on one line.
    ///
    /// # Errors
    /// None in practice: plain data serialises.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }
}

/// To three digits after the point: more would be noise.
fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// A number for people: `12,345`, `12.3`, `0.123`.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 1000.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match rest.map(|rest| rest.trim_end_matches('0')) {
        Some(rest) if !rest.is_empty() => format!("{grouped}.{rest}"),
        _ => grouped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_short() {
        let shown = [1_234_567.8, 1000.0, 999.96, 12.34, 0.5, 0.0].map(number);
        assert_eq!(shown, ["1,234,568", "1,000", "1,000", "12.3", "0.5", "0"]);
    }

    #[test]
    fn a_bar_is_about_the_ratio_where_there_is_one() {
        let mut report = Report::new("test");
        report.compared("import", 8.0, "s", ("COPY", 2.0), Some(Bar::AtMost(4.0)));
        report.figure("p99", 26.0, "ms", Some(Bar::AtMost(25.0)));
        report.figure("scale", 1.0, "s", None);
        let holds: Vec<_> = report.rows.iter().map(|row| row.holds).collect();
        assert_eq!(holds, [Some(true), Some(false), None]);
        assert_eq!(report.rows[0].ratio, Some(4.0));
    }

    #[test]
    fn a_figure_that_was_measured_once_says_so() {
        let mut report = Report::new("test");
        report.once("a group of a million", 2.0, "s", Some(Bar::AtMost(5.0)));
        assert_eq!(report.rows[0].holds, Some(true));
        assert_eq!(report.remarks, ["a group of a million: one run, no median"]);
    }

    #[test]
    fn the_json_has_the_promised_shape() {
        let mut report = Report::new("test");
        report.figure("p99", 26.0, "ms", Some(Bar::AtMost(25.0)));
        let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(keys(&json), "bench at machine rows");
        assert_eq!(keys(&json["rows"][0]), "name value unit against against_value ratio bar holds");
        assert_eq!(json["rows"][0]["bar"], "<= 25");
    }
}
