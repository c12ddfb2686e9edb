//! Processes that outlive this one: alive or not, ended gently, ports for them.
//!
//! A pid alone proves nothing (it may belong to somebody else after a reboot), so whoever signals
//! one says which program it expects there.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How much of a program's name Linux keeps.
const KEPT: usize = 15;

/// Whether the process `pid` exists and runs the program `name`.
pub fn is(pid: i32, name: &str) -> bool {
    let same = |found: String| found.starts_with(name.get(..KEPT).unwrap_or(name));
    pid > 0 && program(pid).is_some_and(same)
}

/// The file name of the program that `pid` runs; a zombie counts as gone.
fn program(pid: i32) -> Option<String> {
    let out = Command::new("ps").args(["-o", "stat=,comm=", "-p", &pid.to_string()]).output();
    let line = match out {
        Ok(out) if out.status.success() => String::from_utf8_lossy(&out.stdout).trim().to_owned(),
        Ok(_) => return None,
        // No `ps` in slim images: Linux tells it directly.
        Err(_) => linux_stat(pid)?,
    };
    let (state, comm) = line.split_once(char::is_whitespace)?;
    let name = Path::new(comm.trim()).file_name()?.to_string_lossy().into_owned();
    (!state.starts_with('Z')).then_some(name)
}

fn linux_stat(pid: i32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.split_once('(')?;
    let (comm, after) = rest.rsplit_once(") ")?;
    Some(format!("{} {comm}", after.chars().next()?))
}

/// Sends `gentle`, waits up to `patience`, then sends SIGKILL. Nothing happens to a pid that does
/// not run `name`. Returns whether there was something to end.
pub async fn end(pid: i32, name: &str, gentle: Signal, patience: Duration) -> Result<bool> {
    if !is(pid, name) {
        return Ok(false);
    }
    let target = Pid::from_raw(pid);
    kill(target, gentle).with_context(|| format!("cannot signal {name} ({pid})"))?;
    let until = Instant::now() + patience;
    while is(pid, name) {
        if Instant::now() > until {
            kill(target, Signal::SIGKILL).ok();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(true)
}

/// A port of 127.0.0.1 that was free a moment ago. Callers retry with another when it is lost.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Whether nothing listens on this port of 127.0.0.1.
pub fn port_is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// A port of 127.0.0.1: the one people expect when it is free, else any.
pub fn port_near(wanted: u16) -> Result<u16> {
    if port_is_free(wanted) { Ok(wanted) } else { free_port() }
}

#[cfg(test)]
mod tests {
    use super::is;

    #[test]
    fn a_pid_is_only_ours_while_it_runs_our_program() {
        let me = i32::try_from(std::process::id()).unwrap();
        let name = std::env::current_exe().unwrap();
        let name = name.file_name().unwrap().to_string_lossy().into_owned();
        assert!(is(me, &name));
        assert!(!is(me, "postgres"));
        assert!(!is(0, &name));
        assert!(!is(i32::MAX, &name));
    }
}
