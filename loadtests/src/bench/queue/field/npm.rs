//! The scripts and the packages of the peers that are not Rust, in `.dev/bench/peers/`.
//!
//! The scripts are compiled in and written there, because Node looks for packages beside the script that asks for them.
//! `npm ci` installs exactly what `package-lock.json` pins, without running anybody's install scripts, and only where that
//! file has changed since.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result};
use tokio::process::Command;

use crate::{console, folders};

const FILES: &[(&str, &str)] = &[
    ("package.json", include_str!("../../../../peers/package.json")),
    ("package-lock.json", LOCK),
    ("protocol.mjs", include_str!("../../../../peers/protocol.mjs")),
    ("pg-boss.mjs", include_str!("../../../../peers/pg-boss.mjs")),
    ("graphile-worker.mjs", include_str!("../../../../peers/graphile-worker.mjs")),
    ("bullmq.mjs", include_str!("../../../../peers/bullmq.mjs")),
    ("bee-queue.mjs", include_str!("../../../../peers/bee-queue.mjs")),
    ("sidekiq.rb", include_str!("../../../../peers/sidekiq.rb")),
];
const LOCK: &str = include_str!("../../../../peers/package-lock.json");

/// The folder of the scripts, with the scripts in it.
pub fn folder() -> Result<PathBuf> {
    let folder = folders::results()?.join("peers");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, text) in FILES {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(folder)
}

/// Whether Node is there and the packages are installed; else, why not.
pub async fn ready() -> Result<(), String> {
    let version = Command::new("node").arg("--version").output().await;
    let version = version.map_err(|_| "node is not installed".to_owned())?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|text| text.parse::<u32>().ok());
    if major.is_none_or(|major| major < 20) {
        return Err(format!("node 20 or newer is needed, here is {version}"));
    }
    install().await.map_err(|error| format!("{error:#}"))
}

async fn install() -> Result<()> {
    let folder = folder()?;
    let mark = folder.join("installed");
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == LOCK) {
        return Ok(());
    }
    console::note("  installing the peers' packages (npm ci)");
    let out = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .output()
        .await
        .context("npm is not installed")?;
    let said = String::from_utf8_lossy(&out.stderr);
    anyhow::ensure!(out.status.success(), "npm ci failed: {}", said.lines().nth(2).unwrap_or(said.trim()));
    std::fs::write(&mark, LOCK)?;
    Ok(())
}
