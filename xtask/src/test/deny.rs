//! `cargo deny`: licences, duplicate versions, sources, advisories (rules in `deny.toml`).
//!
//! It is installed at one version into `.dev/tools`, because another version reads another
//! configuration. Only the advisory database comes from the network at each run; where it cannot
//! be fetched, that part is left out by name and the other three still count.

use std::path::PathBuf;

use anyhow::{Result, bail};
use tokio::process::Command;

use super::Pass;
use crate::cargo::{cargo, output, tail};
use crate::dev;

const VERSION: &str = "0.20.2";

/// The rules hold.
pub async fn check() -> Result<Pass> {
    let program = installed().await?;
    let deny = |what: &[&str]| {
        let mut command = Command::new(&program);
        command.current_dir(dev::root()).args(["--locked", "--color", "never", "check"]).args(what);
        command
    };
    output(&mut deny(&["bans", "licenses", "sources"])).await?;
    let out = deny(&["advisories"]).output().await?;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    if out.status.success() {
        return Ok(Pass::Whole);
    }
    if said.contains("failed to fetch advisory database") || said.contains("failed to clone") {
        return Ok(Pass::Noted("advisories left out: their database cannot be fetched from here".to_owned()));
    }
    bail!("{}", tail(&said, 60))
}

async fn installed() -> Result<PathBuf> {
    let tools = dev::sub("tools")?;
    let program = tools.join("bin/cargo-deny");
    let is_it = |said: String| said.trim().ends_with(VERSION);
    if output(Command::new(&program).arg("--version")).await.is_ok_and(is_it) {
        return Ok(program);
    }
    let wanted = format!("cargo-deny@{VERSION}");
    output(cargo().args(["install", "--quiet", "--locked", &wanted, "--root"]).arg(&tools)).await?;
    Ok(program)
}
