//! `cargo xtask test`: every check of the project, in one command; `.ci/run` is this and no more.
//!
//! The checks run one after another in the order in which they cost: a wrong format is told in a
//! second, not after the tests. A failure does not stop the rest, so that one run tells all. A
//! check that this machine cannot make says so by name and is counted as left out, never as
//! passed.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::services::{self, Services};
use crate::{dev, ui};

mod chaos;
mod commands;
mod deny;
mod dependencies;
mod document;
mod manifests;
mod python;
mod rust;
mod schemathesis;
mod server;

pub use schemathesis::{Args as FuzzArgs, fuzz};

/// Arguments of `cargo xtask test`.
#[derive(clap::Parser)]
pub struct Args {
    /// Run only the checks whose name contains this (repeatable).
    #[arg(long)]
    only: Vec<String>,
    /// Answer as JSON on stdout.
    #[arg(long)]
    json: bool,
    /// Print the names of the checks, and run none.
    #[arg(long)]
    list: bool,
}

/// How a check that did not fail ended.
pub enum Pass {
    /// All of it was checked.
    Whole,
    /// It holds, and there is something to say: a figure, or a part that was left out.
    Noted(String),
    /// This machine cannot make it, for this reason.
    LeftOut(String),
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    outcome: &'static str,
    seconds: f64,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

/// The checks, in the order in which they run.
const CHECKS: [&str; 13] = [
    "format",
    "manifests",
    "dependencies",
    "commands",
    "clippy",
    "build",
    "openapi",
    "openapi-3.1",
    "tests",
    "doc-tests",
    "chaos",
    "deny",
    "schemathesis",
];

async fn check(name: &str, services: &Services) -> Result<Pass> {
    match name {
        "format" => rust::format().await,
        "manifests" => manifests::check(),
        "dependencies" => dependencies::check().await,
        "commands" => commands::check().await,
        "clippy" => rust::clippy().await,
        "build" => rust::build().await,
        "openapi" => crate::openapi::check().await,
        "openapi-3.1" => document::check().await,
        "tests" => rust::tests(services).await,
        "doc-tests" => rust::doc_tests(services).await,
        "chaos" => chaos::check().await,
        "deny" => deny::check().await,
        "schemathesis" => schemathesis::check(services).await,
        other => bail!("there is no check named {other}"),
    }
}

/// Runs the command.
pub async fn run(args: &Args) -> Result<ExitCode> {
    let wanted = |name: &&str| args.only.is_empty() || args.only.iter().any(|part| name.contains(part.as_str()));
    let names: Vec<&'static str> = CHECKS.into_iter().filter(wanted).collect();
    if args.list {
        ui::out(&if args.json { serde_json::to_string_pretty(&names)? } else { names.join("\n") });
        return Ok(ExitCode::SUCCESS);
    }
    if names.is_empty() {
        bail!("no check has such a name; they are: {}", CHECKS.join(", "));
    }
    let start = Instant::now();
    let services = services::up().await?;
    let mut rows = Vec::new();
    for name in names {
        ui::note(&format!("… {name}"));
        let row = timed(name, &services).await;
        ui::note(&line(&row));
        rows.push(row);
    }
    let count = |outcome| rows.iter().filter(|row| row.outcome == outcome).count();
    let (passed, failed, left_out) = (count("passed"), count("failed"), count("left_out"));
    let seconds = start.elapsed().as_secs_f64();
    let report = serde_json::json!({
        "passed": passed, "failed": failed, "left_out": left_out, "seconds": seconds, "checks": rows,
    });
    dev::write_json(&dev::dir()?.join("test.json"), &report)?;
    if args.json {
        ui::out(&serde_json::to_string_pretty(&report)?);
    } else {
        let left = if left_out > 0 { format!(" ({left_out} left out)") } else { String::new() };
        for row in rows.iter().filter(|row| row.outcome == "failed") {
            ui::out(&brief(row));
        }
        ui::out(&format!("took {:.0} min {:02.0} s{left}", (seconds / 60.0).floor(), seconds % 60.0));
        ui::out(&format!("{passed} passed, {failed} failed"));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn timed(name: &'static str, services: &Services) -> Row {
    let start = Instant::now();
    let (outcome, detail) = match check(name, services).await {
        Ok(Pass::Whole) => ("passed", String::new()),
        Ok(Pass::Noted(note)) => ("passed", note),
        Ok(Pass::LeftOut(why)) => ("left_out", why),
        Err(error) => ("failed", format!("{error:#}")),
    };
    Row { name, outcome, seconds: start.elapsed().as_secs_f64(), detail }
}

/// A failure again beside the verdict, since often only the end of a log is kept: the first
/// paragraph of its detail.
fn brief(row: &Row) -> String {
    let lines = row.detail.lines().take_while(|line| !line.trim().is_empty()).take(30);
    let said: Vec<String> = lines.map(|line| format!("  {}", line.chars().take(300).collect::<String>())).collect();
    format!("✗ {}\n{}", row.name, said.join("\n"))
}

fn line(row: &Row) -> String {
    let mark = match row.outcome {
        "passed" => "✓",
        "failed" => "✗",
        _ => "–",
    };
    let detail = match (row.outcome, row.detail.is_empty()) {
        (_, true) => String::new(),
        ("failed", _) => format!("\n{}", row.detail),
        ("left_out", _) => format!("  left out: {}", row.detail),
        _ => format!("  {}", row.detail),
    };
    format!("{mark} {:14}{:>7.1} s{detail}", row.name, row.seconds)
}
