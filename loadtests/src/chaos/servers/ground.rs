//! Where the private servers live: a folder for each run, and the user who owns it.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::folders::required;

/// The folder of one run, with the programs and the user for it.
pub struct Ground {
    /// Holds `initdb` and `postgres`.
    pub postgres_bin: PathBuf,
    /// The Redis server's program.
    pub redis: PathBuf,
    /// User and group of the servers, where that is not ourselves.
    pub owner: Option<(u32, u32)>,
    folder: PathBuf,
}

const PREFIX: &str = "run-";

impl Ground {
    /// As xtask found it; what dead runs left is swept.
    ///
    /// # Errors
    /// A variable that is missing, or a folder that cannot be made.
    pub fn from_env() -> Result<Self> {
        let home = PathBuf::from(required("PATCHBAY_CHAOS_HOME")?);
        let owner = match std::env::var("PATCHBAY_CHAOS_OWNER") {
            Ok(owner) => {
                let (user, group) = owner.split_once(':').context("PATCHBAY_CHAOS_OWNER is not user:group")?;
                Some((user.parse()?, group.parse()?))
            }
            Err(_) => None,
        };
        sweep(&home);
        let this = Self {
            postgres_bin: PathBuf::from(required("PATCHBAY_CHAOS_POSTGRES")?),
            redis: PathBuf::from(required("PATCHBAY_CHAOS_REDIS")?),
            owner,
            folder: home.join(format!("{PREFIX}{}", std::process::id())),
        };
        this.own(&this.folder)?;
        Ok(this)
    }

    /// A new folder of the run, which the owner may use.
    ///
    /// # Errors
    /// One that cannot be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        self.own(&path)?;
        Ok(path)
    }

    fn own(&self, path: &Path) -> Result<()> {
        fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        if let Some((user, group)) = self.owner {
            chown(path, Some(user), Some(group))?;
        }
        Ok(())
    }

    /// `program`, to be run as the owner.
    pub fn command(&self, program: &Path) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(program);
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command.current_dir("/").kill_on_drop(true);
        command
    }

    /// Removes the run's folder.
    ///
    /// # Errors
    /// One that cannot be removed.
    pub fn remove(&self) -> Result<()> {
        fs::remove_dir_all(&self.folder).with_context(|| format!("cannot remove {}", self.folder.display()))
    }
}

/// Ends the servers of runs that are gone, and removes their data.
fn sweep(home: &Path) {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(run) = name.strip_prefix(PREFIX).and_then(|pid| pid.parse::<i32>().ok()) else { continue };
        if kill(Pid::from_raw(run), None).is_ok() {
            continue;
        }
        for (file, program) in [("postgres/postmaster.pid", "postgres"), ("redis/server.pid", "redis")] {
            end(&entry.path().join(file), program);
        }
        fs::remove_dir_all(entry.path()).ok();
    }
}

/// Kills the server whose pid is in `file`, if that process is one.
fn end(file: &Path, program: &str) {
    let text = fs::read_to_string(file).unwrap_or_default();
    let Some(pid) = text.lines().next().and_then(|pid| pid.trim().parse::<i32>().ok()) else { return };
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    if name.contains(program) {
        kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
    }
}
