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

use crate::{cargo, dev, process, ui};

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
    launches: Vec<Launch>,
}

/// A process of ours, and how to start it again.
struct Launch {
    child: Child,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Group {
    /// An empty group that starts programs from `bin` with `env`. `file` is a name under `.dev/`.
    pub fn new(file: &str, bin: PathBuf, env: Vec<(String, String)>) -> Result<Self> {
        let file = dev::dir()?.join(file);
        Ok(Self { file, bin, env, running: Vec::new(), launches: Vec::new() })
    }

    /// Starts a program that will listen on `port`, without waiting for it.
    pub fn start(&mut self, name: &str, program: &str, args: &[&str], port: u16, env: &[(&str, String)]) -> Result<()> {
        let log = dev::sub("logs")?.join(format!("{name}.log"));
        File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let env: Vec<(String, String)> = env.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let child = self.spawn(program, &args, &env, &log)?;
        self.running.push(Running {
            name: name.to_owned(),
            program: program.to_owned(),
            pid: i32::try_from(child.id())?,
            url: format!("http://127.0.0.1:{port}"),
            log,
        });
        self.launches.push(Launch { child, args, env });
        dev::write_json(&self.file, &self.running)
    }

    fn spawn(&self, program: &str, args: &[String], env: &[(String, String)], log: &Path) -> Result<Child> {
        let path = self.bin.join(program);
        let out = File::options().append(true).open(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(&path);
        command.args(args).envs(self.env.iter().map(|(k, v)| (k, v))).envs(env.iter().map(|(k, v)| (k, v)));
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        command.current_dir(dev::root()).process_group(0);
        command.spawn().with_context(|| format!("cannot start {}", path.display()))
    }

    /// Starts what ends again, as a supervisor does. Never returns but with an error.
    pub async fn supervise(&mut self) -> Result<std::convert::Infallible> {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            for place in 0..self.launches.len() {
                let Some(status) = self.launches[place].child.try_wait()? else { continue };
                let one = &self.running[place];
                ui::note(&format!("{} ended with {status}; it is started again", one.name));
                let launch = &self.launches[place];
                let child = self.spawn(&one.program, &launch.args, &launch.env, &one.log)?;
                self.running[place].pid = i32::try_from(child.id())?;
                self.launches[place].child = child;
                dev::write_json(&self.file, &self.running)?;
            }
        }
    }

    /// Waits until every program answers `/readyz` with 200.
    ///
    /// # Errors
    /// When one ends instead, or is not ready within `patience`: with the end of its log.
    pub async fn ready(&mut self, http: &reqwest::Client, patience: Duration) -> Result<()> {
        let until = Instant::now() + patience;
        for (one, launch) in self.running.iter().zip(&mut self.launches) {
            let probe = format!("{}/readyz", one.url);
            loop {
                if let Some(status) = launch.child.try_wait()? {
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
        for launch in &mut self.launches {
            launch.child.wait().ok();
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
