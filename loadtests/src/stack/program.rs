//! One running program: its log, its readiness, its memory, its end.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::folders;

/// A child process; killed when dropped.
pub struct Program {
    name: &'static str,
    at: SocketAddr,
    log: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    child: Child,
}

/// How long a program may take to drain.
const PATIENCE: Duration = Duration::from_secs(30);

impl Program {
    /// Starts `name`, which will listen on `at`.
    pub fn start(name: &'static str, args: &[&str], at: SocketAddr, env: &[(String, String)]) -> Result<Self> {
        let logs = folders::results()?.join("logs");
        fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        let log = logs.join(format!("{name}.log"));
        let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let child = spawn(name, args, env, out)?;
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Ok(Self { name, at, log, args, env: env.to_vec(), child })
    }

    /// The same program once more, listening on `at`, which its setting `listen` says.
    pub fn another(&self, listen: &str, at: SocketAddr) -> Result<Self> {
        let mut env = self.env.clone();
        env.retain(|(name, _)| name != listen);
        env.push((listen.to_owned(), at.to_string()));
        let log = self.log.with_file_name(format!("{}-{}.log", self.name, at.port()));
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        let child = spawn(self.name, &args, &env, File::create(&log)?)?;
        Ok(Self { name: self.name, at, log, args: self.args.clone(), env, child })
    }

    /// SIGKILL, and a new process in its place with `settings` beside its own, which is not waited for.
    pub async fn kill_and_restart(&mut self, settings: &[(&str, &str)]) -> Result<()> {
        self.child.kill().await.with_context(|| format!("cannot kill {}", self.name))?;
        for (name, value) in settings {
            self.env.retain(|(known, _)| known != name);
            self.env.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.start_again()
    }

    /// Starts it again if it ended by itself; answers whether it had.
    pub fn revive(&mut self) -> Result<bool> {
        let ended = self.child.try_wait()?.is_some();
        if ended {
            self.start_again()?;
        }
        Ok(ended)
    }

    fn start_again(&mut self) -> Result<()> {
        let out = File::options().append(true).open(&self.log)?;
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        self.child = spawn(self.name, &args, &self.env, out)?;
        Ok(())
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Waits until `/readyz` says yes.
    pub async fn ready(&mut self, patience: Duration) -> Result<()> {
        let until = Instant::now() + patience;
        let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status} instead of getting ready\n{}", self.name, tail(&self.log));
            }
            let answer = http.get(format!("http://{}/readyz", self.at)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            ensure!(Instant::now() < until, "{} is not ready after {patience:?}\n{}", self.name, tail(&self.log));
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// The most memory it ever held at once (resident set), in MB of a million bytes; none where the system does not say.
    pub fn peak_memory_mb(&self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u32 = line.split_whitespace().next()?.parse().ok()?;
        Some(f64::from(kilobytes) * 1024.0 / 1e6)
    }

    /// SIGTERM, patience, SIGKILL.
    pub async fn end(mut self) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // It may have ended by itself.
            kill(Pid::from_raw(pid), Signal::SIGTERM).ok();
        }
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await.ok();
        }
    }
}

fn spawn(name: &str, args: &[&str], env: &[(String, String)], log: File) -> Result<Child> {
    let mut command = command(name, args, env)?;
    command.stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
    command.spawn().with_context(|| format!("cannot start {name}"))
}

/// Runs a program that ends by itself.
pub async fn run_to_end(name: &str, args: &[&str], env: &[(String, String)]) -> Result<()> {
    let out = command(name, args, env)?.output().await.with_context(|| format!("cannot run {name}"))?;
    ensure!(out.status.success(), "{name} ended with {}\n{}", out.status, String::from_utf8_lossy(&out.stderr));
    Ok(())
}

fn command(name: &str, args: &[&str], env: &[(String, String)]) -> Result<Command> {
    let path = Path::new(&folders::required("PATCHBAY_BIN_DIR")?).join(name);
    ensure!(path.is_file(), "{} is not there: run `cargo xtask bench`, which builds it", path.display());
    let mut command = Command::new(path);
    // Settings of the caller's own shell must not change what is measured.
    for (known, _) in std::env::vars_os() {
        if known.to_string_lossy().starts_with("PATCHBAY_") || known == "RUST_LOG" {
            command.env_remove(known);
        }
    }
    command.args(args).envs(env.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
    Ok(command)
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.trim_end().lines().collect();
    format!("  the end of {}:\n{}", log.display(), lines[lines.len().saturating_sub(15)..].join("\n"))
}
