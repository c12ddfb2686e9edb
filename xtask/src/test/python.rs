//! Tools from PyPI, each pinned, in a venv of its own under `.dev/tools`.
//!
//! A venv each, because two tools need not agree on their dependencies. A machine without Python
//! leaves their checks out by name: nothing of the product needs Python.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};
use tokio::process::Command;

use crate::cargo::output;
use crate::dev;

/// A package with a program of its name.
pub struct Tool {
    /// What PyPI calls it.
    pub name: &'static str,
    /// Exactly this one.
    pub version: &'static str,
}

impl Tool {
    /// Its program, installed when missing.
    ///
    /// # Errors
    /// Why this machine cannot have it, in words for a person.
    pub async fn installed(&self) -> Result<PathBuf> {
        let venv = dev::sub("tools")?.join(self.name);
        let program = venv.join("bin").join(self.name);
        // Written when all is done: not every tool can tell its version, and an install may break off.
        let stamp = venv.join("version");
        if fs::read_to_string(&stamp).is_ok_and(|version| version == self.version) && program.is_file() {
            return Ok(program);
        }
        let python = "import sys; sys.exit(sys.version_info < (3, 10))";
        if output(Command::new("python3").args(["-c", python])).await.is_err() {
            bail!("this machine has no Python 3.10 or newer");
        }
        if output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv)).await.is_err() {
            bail!("this machine's Python cannot make a venv (on Debian: `apt-get install python3-venv`)");
        }
        let wanted = format!("{}=={}", self.name, self.version);
        let mut pip = Command::new(venv.join("bin/pip"));
        if output(pip.args(["install", "--quiet", "--disable-pip-version-check", &wanted])).await.is_err() {
            bail!("{wanted} cannot be installed from PyPI");
        }
        fs::write(stamp, self.version)?;
        Ok(program)
    }
}
