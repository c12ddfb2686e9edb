//! The promises broken on purpose, in the short form: a few hundred jobs a scenario.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Pass;
use crate::cargo::{binaries, tail};
use crate::dev;
use crate::loadtests::chaos_command;

/// Far more than all of it takes.
const LIMIT: Duration = Duration::from_secs(600);

/// Every row holds.
pub async fn check() -> Result<Pass> {
    let mut command = match chaos_command(&binaries("debug").await?) {
        Ok(command) => command,
        Err(why) => return Ok(Pass::LeftOut(format!("{why:#}"))),
    };
    let running = command.arg("--quick").kill_on_drop(true).output();
    let out = tokio::time::timeout(LIMIT, running).await.context("it did not end")??;
    let said = format!("{}{}", String::from_utf8_lossy(&out.stderr), String::from_utf8_lossy(&out.stdout));
    let log = dev::sub("logs")?.join("chaos.log");
    std::fs::write(&log, &said)?;
    if !out.status.success() {
        let broken: Vec<&str> = said.lines().filter(|line| line.contains("BROKEN")).collect();
        bail!("{}\n\n{}\n  all of it: {}", broken.join("\n"), tail(&said, 60), log.display());
    }
    let rows = String::from_utf8_lossy(&out.stdout).lines().filter(|line| line.contains("holds")).count();
    Ok(Pass::Noted(format!("{rows} scenarios")))
}
