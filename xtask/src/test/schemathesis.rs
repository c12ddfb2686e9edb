//! Schemathesis, an independent reader of `openapi.json`, against the running API.
//!
//! Two promises are checked with inputs nobody thought of: no answer is a 5xx, and none is
//! outside what the document says (status, content type, body). It is a Python program, pinned,
//! in a venv under `.dev/tools`; a machine without Python leaves it out by name. Event streams
//! are excluded: they end when the client goes, and the fuzzer would wait.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::process::Command;

use super::Pass;
use super::server::Server;
use crate::cargo::{output, tail};
use crate::services::{self, Services};
use crate::{dev, ui};

const VERSION: &str = "4.32.5";
const SECONDS: u64 = 75;
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// Arguments of `cargo xtask fuzz`.
#[derive(clap::Parser)]
pub struct Args {
    /// How long to go on.
    #[arg(long, default_value_t = 15)]
    minutes: u64,
    /// Repeat the inputs of an earlier run; its seed is in its log.
    #[arg(long)]
    seed: Option<u32>,
}

/// The time-boxed run of `cargo xtask test`.
pub async fn check(services: &Services) -> Result<Pass> {
    let program = match installed().await {
        Ok(program) => program,
        Err(why) => return Ok(Pass::LeftOut(format!("{why:#}"))),
    };
    attack(&program, services, SECONDS, Some(1)).await.map(Pass::Noted)
}

/// Runs `cargo xtask fuzz`.
pub async fn fuzz(args: &Args) -> Result<ExitCode> {
    let services = services::up().await?;
    super::rust::build().await?;
    let program = installed().await?;
    ui::out(&attack(&program, &services, args.minutes * 60, args.seed).await?);
    Ok(ExitCode::SUCCESS)
}

async fn attack(program: &PathBuf, services: &Services, seconds: u64, seed: Option<u32>) -> Result<String> {
    let server = Server::start(services).await?;
    let log = dev::sub("logs")?.join("schemathesis.log");
    let mut command = Command::new(program);
    command.arg("run").arg(dev::root().join("openapi/openapi.json")).args(["--origin", &server.url]);
    command.args(["--header", &format!("Authorization: Bearer {}", server.tenant.key())]);
    command.args(["--checks", CHECKS, "--max-time", &seconds.to_string(), "--continue-on-failure"]);
    command.args(["--exclude-path-regex", "/events$", "--request-timeout", "20", "--workers", "2"]);
    command.args(["--suppress-health-check", "all", "--warnings", "off"]);
    if let Some(seed) = seed {
        command.args(["--seed", &seed.to_string()]);
    }
    // Its database of examples and its reports belong under .dev, not into the work tree.
    command.current_dir(dev::sub("tools")?).env("NO_COLOR", "1");
    let limit = Duration::from_secs(seconds + 120);
    let ended = tokio::time::timeout(limit, command.kill_on_drop(true).output()).await;
    server.stop().await?;
    let Ok(out) = ended else { bail!("schemathesis did not end within {limit:?}") };
    let out = out?;
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    std::fs::write(&log, &said)?;
    if !out.status.success() {
        bail!(
            "{}\n  all of it: {}\n  the API's log: {}",
            tail(&said, 100),
            log.display(),
            dev::sub("logs")?.join("fuzz-api.log").display()
        );
    }
    let cases = said.lines().rev().find(|line| line.contains("test cases") || line.contains("generated"));
    Ok(cases.unwrap_or("no failure").trim().to_owned())
}

/// The program in its venv, installed when missing.
async fn installed() -> Result<PathBuf> {
    let venv = dev::sub("tools")?.join("schemathesis");
    let program = venv.join("bin/schemathesis");
    let is_it = |said: String| said.trim().ends_with(VERSION);
    if output(Command::new(&program).arg("--version")).await.is_ok_and(is_it) {
        return Ok(program);
    }
    let python = "import sys; sys.exit(sys.version_info < (3, 10))";
    if output(Command::new("python3").args(["-c", python])).await.is_err() {
        bail!("this machine has no Python 3.10 or newer");
    }
    if output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv)).await.is_err() {
        bail!("this machine's Python cannot make a venv (on Debian: `apt-get install python3-venv`)");
    }
    let wanted = format!("schemathesis=={VERSION}");
    let mut pip = Command::new(venv.join("bin/pip"));
    if output(pip.args(["install", "--quiet", "--disable-pip-version-check", &wanted])).await.is_err() {
        bail!("{wanted} cannot be installed from PyPI");
    }
    Ok(program)
}
