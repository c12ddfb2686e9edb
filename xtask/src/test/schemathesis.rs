//! Schemathesis, an independent reader of `openapi.json`, against the running API.
//!
//! Two promises are checked with inputs nobody thought of: no answer is a 5xx, and none is
//! outside what the document says (status, content type, body). Event streams are excluded: they
//! end when the client goes, and the fuzzer would wait.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::process::Command;

use super::Pass;
use super::python::Tool;
use super::server::Server;
use crate::cargo::tail;
use crate::services::{self, Services};
use crate::{dev, ui};

const TOOL: Tool = Tool { name: "schemathesis", version: "4.32.5" };
const SECONDS: u64 = 75;
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// Arguments of `cargo xtask fuzz`.
#[derive(clap::Parser)]
pub struct Args {
    /// Answer as JSON on stdout.
    #[arg(long)]
    json: bool,
    /// How long to go on.
    #[arg(long, default_value_t = 15)]
    minutes: u64,
    /// Repeat the inputs of an earlier run; its seed is in its log.
    #[arg(long)]
    seed: Option<u32>,
}

/// The time-boxed run of `cargo xtask test`.
pub async fn check(services: &Services) -> Result<Pass> {
    let program = match TOOL.installed().await {
        Ok(program) => program,
        Err(why) => return Ok(Pass::LeftOut(format!("{why:#}"))),
    };
    attack(&program, services, SECONDS, Some(1)).await.map(Pass::Noted)
}

/// Runs `cargo xtask fuzz`.
pub async fn fuzz(args: &Args) -> Result<ExitCode> {
    let services = services::up().await?;
    super::rust::build().await?;
    let program = TOOL.installed().await?;
    let found = attack(&program, &services, args.minutes * 60, args.seed).await;
    if !args.json {
        ui::out(&found?);
        return Ok(ExitCode::SUCCESS);
    }
    let holds = found.is_ok();
    let detail = found.unwrap_or_else(|error| format!("{error:#}"));
    let report = serde_json::json!({ "holds": holds, "minutes": args.minutes, "detail": detail });
    ui::out(&serde_json::to_string_pretty(&report)?);
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn attack(program: &PathBuf, services: &Services, seconds: u64, seed: Option<u32>) -> Result<String> {
    let server = Server::start(services).await?;
    let log = dev::sub("logs")?.join("schemathesis.log");
    let mut command = Command::new(program);
    command.arg("run").arg(dev::root().join("openapi/openapi.json")).args(["--origin", &server.url]);
    command.args(["--header", &format!("Authorization: Bearer {}", server.tenant.key())]);
    command.args(["--checks", CHECKS, "--max-time", &seconds.to_string(), "--continue-on-failure"]);
    command.args(["--exclude-path-regex", "/events$", "--request-timeout", "20"]);
    // One worker: Python before 3.11.8 and 3.12.2 fails to parse in two threads at once
    // (python/cpython#106905), which a run would report as an error of the API's. The interpreter's
    // lock lets one thread work at a time anyhow.
    command.args(["--workers", "1"]);
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
            "{}\n\n{}\n  all of it: {}\n  the API's log: {}",
            summary(&said),
            tail(&said, 100),
            log.display(),
            dev::sub("logs")?.join("fuzz-api.log").display()
        );
    }
    let cases = said.lines().rev().find(|line| line.contains("test cases") || line.contains("generated"));
    Ok(cases.unwrap_or("no failure").trim().to_owned())
}

/// What follows its last heading.
fn summary(said: &str) -> String {
    let lines = said.rsplit("SUMMARY ===").next().unwrap_or(said).lines().skip(1);
    lines.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
