//! Runs cargo, and knows where it puts things.
//!
//! Builds are always asked for the same way, because cargo compiles the whole tree anew for each
//! different selection of features: one selection for the demo, one for all checks.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::dev;

/// The programs that make up a running Patchbay, as `(package, binary)`.
pub const PROGRAMS: [(&str, &str); 4] = [
    ("patchbay-api", "patchbay-api"),
    ("patchbay-workers", "patchbay-worker"),
    ("patchbay-schedules", "patchbay-scheduler"),
    ("patchbay-simulator", "patchbay-simulator"),
];

/// `cargo`, at the root of the work tree. The variables that cargo sets for us are not passed
/// on: they would make build scripts believe that something changed.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(dev::root()).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// The folder of the binaries of one profile (`debug` or `release`).
pub async fn binaries(profile: &str) -> Result<PathBuf> {
    let out = output(cargo().args(["metadata", "--format-version", "1", "--no-deps", "--offline"])).await?;
    let metadata: serde_json::Value = serde_json::from_str(&out)?;
    let target = metadata["target_directory"].as_str().context("cargo names no target directory")?;
    Ok(PathBuf::from(target).join(profile))
}

/// Runs a command to its end and returns its stdout.
///
/// # Errors
/// When it fails; the message ends with what it said.
pub async fn output(command: &mut Command) -> Result<String> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let out = command.output().await.with_context(|| format!("cannot run {program}"))?;
    if !out.status.success() {
        let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        bail!("{program} ended with {}\n{}", out.status, tail(&said, 60));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
