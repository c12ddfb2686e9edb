//! `cargo xtask openapi`: the API's document, generated from the code and checked in.
//!
//! `patchbay-api openapi` prints what the running server would serve; this writes it to
//! `openapi/openapi.json`, or with `--check` says whether the checked-in file still equals it.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::cargo::{self, output};
use crate::test::Pass;
use crate::{dev, ui};

/// Arguments of `cargo xtask openapi`.
#[derive(clap::Parser)]
pub struct Args {
    /// Write nothing; fail when the checked-in document differs from the code.
    #[arg(long)]
    check: bool,
    /// Answer as JSON on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: &Args) -> Result<ExitCode> {
    output(cargo::cargo().args(["build", "--locked", "-p", "patchbay-api", "--bins"])).await?;
    if args.check {
        check().await?;
        return said(args, "up to date");
    }
    let document = generated().await?;
    let path = dev::root().join("openapi/openapi.json");
    let changed = fs::read_to_string(&path).map_or(true, |before| before != document);
    fs::create_dir_all(dev::root().join("openapi"))?;
    fs::write(&path, document).with_context(|| format!("cannot write {}", path.display()))?;
    said(args, if changed { "changed" } else { "unchanged" })
}

fn said(args: &Args, outcome: &str) -> Result<ExitCode> {
    if args.json {
        let report = serde_json::json!({ "file": "openapi/openapi.json", "outcome": outcome });
        ui::out(&serde_json::to_string_pretty(&report)?);
    } else {
        ui::out(&format!("openapi/openapi.json: {outcome}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The checked-in document equals the generated one (the API must be built).
pub async fn check() -> Result<Pass> {
    let checked_in = fs::read_to_string(dev::root().join("openapi/openapi.json"))
        .context("openapi/openapi.json is missing: run `cargo xtask openapi`")?;
    let generated = generated().await?;
    if checked_in == generated {
        return Ok(Pass::Whole);
    }
    let line = checked_in.lines().zip(generated.lines()).position(|(old, new)| old != new);
    bail!(
        "openapi/openapi.json differs from the code (first at line {}): run `cargo xtask openapi` and commit",
        line.map_or(checked_in.lines().count().min(generated.lines().count()), |at| at) + 1,
    )
}

async fn generated() -> Result<String> {
    let program = cargo::binaries("debug").await?.join("patchbay-api");
    let document = output(Command::new(&program).arg("openapi")).await?;
    Ok(format!("{}\n", document.trim_end()))
}
