//! The real programs as real processes: started with logs in `.dev/logs/`, found again, stopped.
//!
//! Each is its own process group, so that Ctrl-C on xtask does not take them along, and is
//! written to `.dev/processes.json` the moment it exists: a killed xtask leaves nothing that
//! `demo down` cannot find. Stopping is SIGTERM and patience, as a supervisor does it, so that
//! every demo also tries the drain.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::{cargo, dev, process};

/// One running program.
#[derive(Clone, Serialize, Deserialize)]
pub struct Running {
    /// Name for people: `worker-1`.
    pub name: String,
    /// File name of its program.
    pub program: String,
    /// Process id.
    pub pid: i32,
    /// Base URL of its listener.
    pub url: String,
    /// Where its output goes.
    pub log: PathBuf,
}

/// A set of processes with one state file.
pub struct Group {
    file: PathBuf,
    bin: PathBuf,
    env: Vec<(String, String)>,
    running: Vec<Running>,
    children: Vec<Child>,
}

impl Group {
    /// An empty group that starts programs from `bin` with `env`. `file` is a name under `.dev/`.
    pub fn new(file: &str, bin: PathBuf, env: Vec<(String, String)>) -> Result<Self> {
        let file = dev::dir()?.join(file);
        Ok(Self { file, bin, env, running: Vec::new(), children: Vec::new() })
    }

    /// Starts a program that will listen on `port`, without waiting for it.
    pub fn start(&mut self, name: &str, program: &str, args: &[&str], port: u16, env: &[(&str, String)]) -> Result<()> {
        let path = self.bin.join(program);
        let log = dev::sub("logs")?.join(format!("{name}.log"));
        let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(&path);
        command.args(args).envs(self.env.iter().map(|(k, v)| (k, v))).envs(env.iter().map(|(k, v)| (k, v)));
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        command.current_dir(dev::root()).process_group(0);
        let child = command.spawn().with_context(|| format!("cannot start {}", path.display()))?;
        self.running.push(Running {
            name: name.to_owned(),
            program: program.to_owned(),
            pid: i32::try_from(child.id())?,
            url: format!("http://127.0.0.1:{port}"),
            log,
        });
        self.children.push(child);
        dev::write_json(&self.file, &self.running)
    }

    /// Waits until every program answers `/readyz` with 200.
    ///
    /// # Errors
    /// When one ends instead, or is not ready within `patience`: with the end of its log.
    pub async fn ready(&mut self, http: &reqwest::Client, patience: Duration) -> Result<()> {
        let until = Instant::now() + patience;
        for (one, child) in self.running.iter().zip(&mut self.children) {
            let probe = format!("{}/readyz", one.url);
            loop {
                if let Some(status) = child.try_wait()? {
                    bail!("{} ended with {status} instead of getting ready\n{}", one.name, log_end(&one.log));
                }
                let answer = http.get(&probe).timeout(Duration::from_secs(2)).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    break;
                }
                if Instant::now() > until {
                    bail!("{} is not ready after {patience:?}\n{}", one.name, log_end(&one.log));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// What runs.
    pub fn running(&self) -> &[Running] {
        &self.running
    }

    /// Stops them all.
    pub async fn stop(&mut self) -> Result<()> {
        stop_file(&self.file).await?;
        for child in &mut self.children {
            child.wait().ok();
        }
        Ok(())
    }
}

/// Stops what a state file under `.dev/` lists. Returns how many were still running.
pub async fn stop(file: &str) -> Result<usize> {
    stop_file(&dev::dir()?.join(file)).await
}

async fn stop_file(file: &Path) -> Result<usize> {
    let listed: Vec<Running> = dev::read_json(file).unwrap_or_default();
    let ends = listed.iter().map(|one| process::end(one.pid, &one.program, Signal::SIGTERM, Duration::from_secs(30)));
    let mut stopped = 0;
    for ended in futures_util::future::join_all(ends).await {
        stopped += usize::from(ended?);
    }
    fs::remove_file(file).ok();
    Ok(stopped)
}

fn log_end(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    format!("  its log is {}; the end of it:\n{}", log.display(), cargo::tail(&text, 15))
}
