//! A private Redis under `.dev/redis`, set as production must be: AOF each second, no eviction.
//!
//! It is recognised by its working directory (`CONFIG GET dir`), so that another Redis on the
//! remembered port is never mistaken for ours. It daemonizes itself, and so outlives us.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use redis::aio::MultiplexedConnection;

use super::install::{self, Package};
use super::{Instance, Service, programs};
use crate::{dev, process, ui};

/// The running server, started if need be; true when it was started by this call.
pub async fn up() -> Result<(Service, bool)> {
    if let Ok(url) = std::env::var("REDIS_URL") {
        let mut connection = connect(&url).await.context("REDIS_URL is set, but does not answer")?;
        return Ok((Service { version: version(&mut connection).await?, url, ours: None }, false));
    }
    if let Some(service) = find().await {
        return Ok((service, false));
    }
    let program = installed()?;
    let home = dev::sub("redis")?;
    let mut port = kept_port(&home).filter(|port| process::port_is_free(*port));
    for _ in 0..3 {
        let try_port = match port.take() {
            Some(port) => port,
            None => process::free_port()?,
        };
        if let Some(service) = start(&program, &home, try_port).await? {
            ui::note(&format!("Redis {} started on {}", service.version, service.url));
            return Ok((service, true));
        }
    }
    bail!("Redis did not start: see {}", log(&home).display())
}

/// The running server: that of `REDIS_URL`, or ours if it answers.
pub async fn find() -> Option<Service> {
    if let Ok(url) = std::env::var("REDIS_URL") {
        let version = version(&mut connect(&url).await.ok()?).await.ok()?;
        return Some(Service { url, version, ours: None });
    }
    let data = dev::root().join(".dev/redis").canonicalize().ok()?;
    let url = format!("redis://127.0.0.1:{}", kept_port(&data)?);
    let mut connection = connect(&url).await.ok()?;
    let dir: Vec<String> = redis::cmd("CONFIG").arg(&["GET", "dir"]).query_async(&mut connection).await.ok()?;
    if Path::new(dir.get(1)?).canonicalize().ok()? != data {
        return None;
    }
    let version = version(&mut connection).await.ok()?;
    Some(Service { url, version, ours: Some(Instance { pid: pid(&data)?, log: log(&data), data }) })
}

/// Stops our server. Returns whether it was running.
pub async fn down() -> Result<bool> {
    let home = dev::root().join(".dev/redis");
    let Some(pid) = pid(&home) else {
        return Ok(false);
    };
    // SIGTERM makes Redis flush its append-only file before it leaves.
    for name in programs::REDIS {
        if process::end(pid, name, Signal::SIGTERM, Duration::from_secs(20)).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn connect(url: &str) -> Result<MultiplexedConnection> {
    let client = redis::Client::open(url)?;
    let connecting = client.get_multiplexed_async_connection();
    Ok(tokio::time::timeout(Duration::from_secs(5), connecting).await??)
}

async fn version(connection: &mut MultiplexedConnection) -> Result<String> {
    let info: String = redis::cmd("INFO").arg("server").query_async(connection).await?;
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
    let version = version.context("INFO names no redis_version")?.trim();
    let major: u32 = version.split('.').next().unwrap_or_default().parse()?;
    if major < programs::REDIS_MIN {
        bail!("Redis {version} is too old: {} or newer is needed", programs::REDIS_MIN);
    }
    Ok(version.to_owned())
}

fn log(home: &Path) -> PathBuf {
    home.join("server.log")
}

fn kept_port(home: &Path) -> Option<u16> {
    fs::read_to_string(home.join("port")).ok()?.parse().ok()
}

/// The server's process, from the file it writes; a stale file names a process that is not Redis.
fn pid(home: &Path) -> Option<i32> {
    let pid = fs::read_to_string(home.join("redis.pid")).ok()?.trim().parse().ok()?;
    programs::REDIS.iter().any(|name| process::is(pid, name)).then_some(pid)
}

/// The server's program; installed where there is none.
pub fn installed() -> Result<PathBuf> {
    if let Some(found) = programs::redis() {
        return Ok(found);
    }
    install::install(Package::Redis)?;
    programs::redis().with_context(|| {
        format!(
            "Redis was installed, but it is older than {}: see https://redis.io/docs/install for a newer \
             one, or set REDIS_URL",
            programs::REDIS_MIN
        )
    })
}

/// Starts it on this port; `None` when it does not come up there.
async fn start(program: &Path, home: &Path, port: u16) -> Result<Option<Service>> {
    let home = home.canonicalize()?;
    fs::write(home.join("port"), port.to_string())?;
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--daemonize", "yes"]);
    command.args(["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]);
    command.args(["--maxmemory-policy", "noeviction"]);
    command.arg("--dir").arg(&home).arg("--pidfile").arg(home.join("redis.pid"));
    command.arg("--logfile").arg(log(&home));
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().with_context(|| format!("cannot run {}", program.display()))?;
    // It answers once its append-only file is loaded, which takes longer after heavy runs.
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until {
        if let Some(service) = find().await {
            return Ok(Some(service));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(None)
}
