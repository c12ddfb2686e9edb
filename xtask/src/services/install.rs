//! Installs a missing server with the system's package manager, or says what to type.
//!
//! "When it may" is root, a sudo that asks nothing, or Homebrew (which needs neither). Packages
//! start a server of their own on the default port; we want only the programs, so on Debian a
//! `policy-rc.d` forbids that start during the installation and PostgreSQL is told to make no
//! cluster. A machine without any of these gets the exact command in the error.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;

use super::programs::on_path;
use crate::ui;

/// What is to be installed.
#[derive(Clone, Copy)]
pub enum Package {
    /// PostgreSQL, at least [`super::programs::POSTGRES_MIN`].
    Postgres,
    /// Redis, at least [`super::programs::REDIS_MIN`].
    Redis,
}

/// Package managers, with the package names of PostgreSQL and Redis and whether root is needed.
const MANAGERS: [(&str, &str, [&str; 2], bool); 5] = [
    ("apt-get", "install -y --no-install-recommends", ["postgresql", "redis-server"], true),
    ("dnf", "install -y", ["postgresql-server", "redis"], true),
    ("apk", "add", ["postgresql", "redis"], true),
    ("pacman", "-S --noconfirm", ["postgresql", "valkey"], true),
    ("brew", "install", ["postgresql@17", "redis"], false),
];

/// Installs the package, saying so.
///
/// # Errors
/// Names the command to type when it may not or cannot.
pub fn install(package: Package) -> Result<()> {
    let (what, index) = match package {
        Package::Postgres => ("PostgreSQL 14 or newer", 0),
        Package::Redis => ("Redis 7 or newer", 1),
    };
    let Some((manager, verb, names, needs_root)) = MANAGERS.into_iter().find(|m| on_path(m.0)) else {
        bail!(
            "{what} was not found, and no package manager that we know. Install it, or point \
               DATABASE_URL and REDIS_URL at running servers, then repeat the command"
        );
    };
    let name = names[index];
    let by_hand = format!("{}{manager} {verb} {name}", if needs_root { "sudo " } else { "" });
    let sudo = needs_root && !geteuid().is_root();
    if sudo && !quiet(Command::new("sudo").args(["-n", "true"])) {
        bail!("{what} was not found. Install it with\n\n    {by_hand}\n\nand repeat the command");
    }
    ui::note(&format!("{what} was not found: installing it with `{manager} {verb} {name}`"));
    let _guard = (manager == "apt-get").then(|| NoAutostart::set(sudo)).transpose()?;
    if manager == "apt-get" {
        // A stale index only matters if the installation then fails, which is reported.
        quiet(as_root(sudo, "apt-get").args(["update", "-qq"]));
    }
    let mut command = as_root(sudo, manager);
    command.args(verb.split(' ')).arg(name);
    if manager == "apt-get" {
        command.args(["-o", "Dpkg::Options::=--force-confold"]);
    }
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {manager}"))?;
    if !out.status.success() {
        let why = String::from_utf8_lossy(&out.stderr);
        bail!("installing {what} failed:\n{}\nInstall it with\n\n    {by_hand}\n\nand repeat the command", why.trim());
    }
    Ok(())
}

fn as_root(sudo: bool, program: &str) -> Command {
    let mut command = if sudo { Command::new("sudo") } else { Command::new("env") };
    if sudo {
        command.args(["-n", "env"]);
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", program]);
    command
}

fn quiet(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// While it lives, packages start no server. A `policy-rc.d` of the administrator is left alone.
struct NoAutostart {
    sudo: bool,
    ours: bool,
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl NoAutostart {
    fn set(sudo: bool) -> Result<Self> {
        let ours = !Path::new(POLICY).exists();
        let policy = format!("printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}");
        let cluster = "mkdir -p /etc/postgresql-common && \
            test -e /etc/postgresql-common/createcluster.conf || \
            echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf";
        let script = if ours { format!("{policy}; {cluster}") } else { cluster.to_owned() };
        if !quiet(as_root(sudo, "sh").args(["-c", &script])) {
            bail!("cannot tell the package manager to start no server of its own");
        }
        Ok(Self { sudo, ours })
    }
}

impl Drop for NoAutostart {
    fn drop(&mut self) {
        if self.ours {
            quiet(as_root(self.sudo, "rm").args(["-f", POLICY]));
        }
    }
}
