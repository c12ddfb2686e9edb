//! A private PostgreSQL under `.dev/postgres`, with the durability of production.
//!
//! `fsync` and `synchronous_commit` stay on: benchmarks and chaos runs against a database that
//! may forget would prove nothing. Trust authentication is confined to 127.0.0.1 and there is no
//! Unix socket (its path may be too long, its folder unwritable). The server is recognised by its
//! data directory, so a port taken over by another server is never mistaken for ours.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use tokio_postgres::{Client, NoTls};

use super::{Instance, Service, cluster, programs};
use crate::{dev, process, ui};

const DATABASE: &str = "patchbay";

/// The running server, started if need be; true when it was started by this call.
pub async fn up() -> Result<(Service, bool)> {
    if let Ok(url) = std::env::var("DATABASE_URL") {
        let client = connect(&url).await.context("DATABASE_URL is set, but does not answer")?;
        let version = version(&client).await?;
        return Ok((Service { url, version, ours: None }, false));
    }
    if let Some(service) = find().await {
        return Ok((service, false));
    }
    let home = cluster::start().await?;
    match find().await {
        Some(service) => {
            ui::note(&format!("PostgreSQL {} started on {}", service.version, service.url));
            Ok((service, true))
        }
        None => bail!("PostgreSQL started but does not answer: see {}", cluster::log(&home).display()),
    }
}

/// The running server: that of `DATABASE_URL`, or ours if it answers.
pub async fn find() -> Option<Service> {
    if let Ok(url) = std::env::var("DATABASE_URL") {
        let client = connect(&url).await.ok()?;
        return Some(Service { url, version: version(&client).await.ok()?, ours: None });
    }
    let home = dev::root().join(".dev/postgres").canonicalize().ok()?;
    let data = home.join("data");
    let (pid, port) = cluster::pid_and_port(&data)?;
    let admin = connect(&url(port, "postgres")).await.ok()?;
    let row = admin.query_one("SHOW data_directory", &[]).await.ok()?;
    if Path::new(&row.get::<_, String>(0)).canonicalize().ok()? != data {
        return None;
    }
    let exists = admin.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&DATABASE]).await;
    if exists.ok()?.is_none() {
        admin.batch_execute(&format!("CREATE DATABASE {DATABASE}")).await.ok()?;
    }
    let ours = Some(Instance { pid, log: cluster::log(&home), data });
    Some(Service { url: url(port, DATABASE), version: version(&admin).await.ok()?, ours })
}

/// Stops our server. Returns whether it was running.
pub async fn down() -> Result<bool> {
    let data = dev::root().join(".dev/postgres/data");
    let Some((pid, _)) = cluster::pid_and_port(&data) else {
        return Ok(false);
    };
    // SIGINT is PostgreSQL's "fast" shutdown: sessions are ended, data is checkpointed.
    process::end(pid, "postgres", Signal::SIGINT, Duration::from_secs(60)).await
}

/// Connects, with a limit on how long that may take.
pub async fn connect(url: &str) -> Result<Client> {
    let connecting = tokio_postgres::connect(url, NoTls);
    let (client, connection) = tokio::time::timeout(Duration::from_secs(5), connecting).await??;
    tokio::spawn(connection);
    Ok(client)
}

async fn version(client: &Client) -> Result<String> {
    let number: String = client.query_one("SHOW server_version_num", &[]).await?.get(0);
    let number: u32 = number.parse()?;
    let (major, minor) = (number / 10_000, number % 10_000);
    if major < programs::POSTGRES_MIN {
        bail!("PostgreSQL {major} is too old: {} or newer is needed", programs::POSTGRES_MIN);
    }
    Ok(format!("{major}.{minor}"))
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/{database}")
}
