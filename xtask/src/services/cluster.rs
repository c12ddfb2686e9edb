//! The PostgreSQL cluster on disk: where it lives, which programs fit it, how it starts.
//!
//! What can be in the way, and is handled: the server's user cannot reach the work tree (root's
//! home); the programs that made the data are gone; a former run was killed in the middle of
//! `initdb`; the old server was killed and its lock file names a dead, unreaped or foreign
//! process; the remembered port now belongs to somebody else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::install::{self, Package};
use super::owner::Owner;
use super::programs::{self, Postgres};
use crate::{dev, process, ui};

const SETTINGS: &str = "
# Written by cargo xtask; fsync and synchronous_commit stay at their default, on.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
";

/// Makes the cluster if there is none, and starts it. Returns its folder, the parent of `data`.
pub async fn start() -> Result<PathBuf> {
    let owner = Owner::for_postgres()?;
    let (home, programs) = (home("postgres", &owner)?, installed(&owner)?);
    let data = home.join("data");
    let programs = matching(&data, programs)?;
    if !data.exists() {
        initdb(&programs, &owner, &data)?;
    }
    drop_stale_lock(&data);
    launch(&programs, &owner, &home).await?;
    Ok(home)
}

/// The server's log.
pub fn log(home: &Path) -> PathBuf {
    home.join("server.log")
}

/// Process and port, lines 1 and 4 of `postmaster.pid`, if that process is a PostgreSQL.
pub fn pid_and_port(data: &Path) -> Option<(i32, u16)> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let pid = lines.first()?.trim().parse().ok()?;
    process::is(pid, "postgres").then_some((pid, lines.get(3)?.trim().parse().ok()?))
}

/// PostgreSQL takes any live or unreaped process of that id for its predecessor and refuses to
/// start. Two servers on one cluster stay impossible: the shared memory key guards that too.
fn drop_stale_lock(data: &Path) {
    if pid_and_port(data).is_none() {
        fs::remove_file(data.join("postmaster.pid")).ok();
    }
}

/// `.dev/<name>`, or a folder under /var/tmp linked there when the owner cannot come to it.
pub fn home(name: &str, owner: &Owner) -> Result<PathBuf> {
    let here = dev::dir()?.join(name);
    if !here.exists() {
        fs::remove_file(&here).ok(); // a link whose target is gone
        fs::create_dir(&here)?;
    }
    // Through the link of a former run, if it is one: the owner may only reach its target.
    let real = here.canonicalize()?;
    owner.give(&real)?;
    if owner.can_use(&real) {
        return Ok(real);
    }
    let hash = hex::encode(&Sha256::digest(here.as_os_str().as_encoded_bytes())[..6]);
    let there = PathBuf::from(format!("/var/tmp/patchbay-{hash}"));
    fs::create_dir_all(&there)?;
    owner.give(&there)?;
    if !owner.can_use(&there) {
        bail!("PostgreSQL's user can write neither to {} nor to {}", here.display(), there.display());
    }
    if fs::remove_dir(&here).is_err() {
        bail!("{} is out of reach of PostgreSQL's user, and not empty", here.display());
    }
    std::os::unix::fs::symlink(&there, &here)?;
    Ok(there)
}

/// The programs that can be run, newest first; installed where there are none.
pub fn installed(owner: &Owner) -> Result<Vec<Postgres>> {
    let found = programs::postgres(owner);
    if !found.is_empty() {
        return Ok(found);
    }
    install::install(Package::Postgres)?;
    let found = programs::postgres(owner);
    if found.is_empty() {
        bail!("PostgreSQL was installed, but it is older than {} or does not run", programs::POSTGRES_MIN);
    }
    Ok(found)
}

/// The programs that made the data; with those gone, the newest, and the old data is put aside.
fn matching(data: &Path, mut programs: Vec<Postgres>) -> Result<Postgres> {
    let made_by = fs::read_to_string(data.join("PG_VERSION")).unwrap_or_default();
    let same = programs.iter().position(|one| one.major.to_string() == made_by.trim());
    if same.is_none() && data.exists() {
        let aside = data.with_file_name(format!("data-{}-{}", made_by.trim(), std::process::id()));
        ui::note(&format!(
            "no program for the data of PostgreSQL {}: put aside as {}",
            made_by.trim(),
            aside.display()
        ));
        fs::rename(data, aside)?;
    }
    Ok(programs.swap_remove(same.unwrap_or(0)))
}

/// Makes the cluster beside its place, so that an interrupted run leaves nothing half made.
fn initdb(programs: &Postgres, owner: &Owner, data: &Path) -> Result<()> {
    let beside = data.with_file_name("data-new");
    fs::remove_dir_all(&beside).ok();
    let mut command = Command::new(programs.bin.join("initdb"));
    command.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-D"]).arg(&beside);
    run(owner.own(command.current_dir("/")))?;
    let conf = beside.join("postgresql.conf");
    let text = fs::read_to_string(&conf)? + SETTINGS;
    fs::write(&conf, text)?;
    fs::rename(&beside, data).context("cannot put the new cluster in place")
}

/// Starts the server: on the port of last time, so that URLs in other terminals stay true, then
/// on others. Backends of a killed server may hold its memory for a moment: it tries again.
async fn launch(programs: &Postgres, owner: &Owner, home: &Path) -> Result<()> {
    let kept = fs::read_to_string(home.join("port")).ok().and_then(|port| port.parse().ok());
    let mut outcome = Ok(());
    for attempt in 0..5_u64 {
        tokio::time::sleep(Duration::from_millis(500 * attempt)).await;
        let port = match kept.filter(|port| process::port_is_free(*port)) {
            Some(port) => port,
            None => process::free_port()?,
        };
        fs::write(home.join("port"), port.to_string())?;
        let mut command = Command::new(programs.bin.join("pg_ctl"));
        command.args(["start", "-w", "-t", "120", "-s", "-D"]).arg(home.join("data"));
        command.arg("-l").arg(log(home)).args(["-o", &format!("-p {port}")]);
        owner.own(command.current_dir("/"));
        outcome = tokio::task::spawn_blocking(move || run(&mut command)).await?;
        if outcome.is_ok() {
            return Ok(());
        }
    }
    outcome.with_context(|| format!("PostgreSQL did not start: see {}", log(home).display()))
}

/// Runs a command to its end. Its output goes to files of no one: pg_ctl's child keeps it open.
fn run(command: &mut Command) -> Result<()> {
    let errors = std::env::temp_dir().join(format!("patchbay-xtask-{}.err", std::process::id()));
    let sink = fs::File::create(&errors)?;
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(sink).status();
    let text = fs::read_to_string(&errors).unwrap_or_default();
    fs::remove_file(&errors).ok();
    if status.with_context(|| format!("cannot run {}", command.get_program().display()))?.success() {
        return Ok(());
    }
    bail!("{} failed: {}", command.get_program().display(), text.trim())
}
