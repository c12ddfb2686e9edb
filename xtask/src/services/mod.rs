//! `cargo xtask services`: a PostgreSQL and a Redis to develop against.
//!
//! A server named by `DATABASE_URL` / `REDIS_URL` is used as it is and never stopped. Otherwise
//! private instances run under `.dev/`, found by their own data directory rather than by the
//! state file: `.dev/services.json` is for other tools to read, and losing it loses nothing.
//! Containers were rejected: a newcomer has a Rust toolchain, not necessarily docker.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use serde::{Deserialize, Serialize};

pub use breakable::Breakable;
pub use programs::on_path;

use crate::{dev, ui};

mod breakable;
mod cluster;
mod install;
mod owner;
mod postgres;
mod programs;
mod redis;

/// Arguments of `cargo xtask services`.
#[derive(Parser)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
    /// Answer as JSON on stdout.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    /// Start what is not running, and print the URLs.
    Up,
    /// Stop the instances under `.dev/`.
    Down,
    /// Say what is running.
    Status,
}

/// One server that answers.
#[derive(Clone, Serialize, Deserialize)]
pub struct Service {
    /// What goes into `DATABASE_URL` or `REDIS_URL`.
    pub url: String,
    /// Its version, as it says itself.
    pub version: String,
    /// Its process and log, when it is ours (absent for one given by the environment).
    #[serde(flatten)]
    pub ours: Option<Instance>,
}

/// What is known of an instance under `.dev/`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Instance {
    /// Process id of the server.
    pub pid: i32,
    /// Where its data is.
    pub data: std::path::PathBuf,
    /// Where it logs.
    pub log: std::path::PathBuf,
}

/// Both servers.
#[derive(Clone, Serialize, Deserialize)]
pub struct Services {
    /// The ledger.
    pub postgres: Service,
    /// The dispatcher's store.
    pub redis: Service,
    /// Whether this call started at least one of them.
    #[serde(skip)]
    pub started: bool,
}

/// Runs the command.
pub async fn run(args: &Args) -> Result<ExitCode> {
    match args.action {
        Action::Up => {
            let services = up().await?;
            if args.json {
                ui::out(&serde_json::to_string_pretty(&services)?);
            } else {
                ui::out(&format!("export DATABASE_URL={}", services.postgres.url));
                ui::out(&format!("export REDIS_URL={}", services.redis.url));
            }
        }
        Action::Down => {
            let stopped = down().await?;
            if args.json {
                ui::out(&serde_json::to_string_pretty(&stopped)?);
            } else {
                tell(&stopped);
            }
        }
        Action::Status => return status(args.json).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes sure that both servers run.
pub async fn up() -> Result<Services> {
    let _lock = dev::lock("services")?;
    let (postgres, new_postgres) = postgres::up().await?;
    let (redis, new_redis) = redis::up().await?;
    let services = Services { postgres, redis, started: new_postgres || new_redis };
    dev::write_json(&dev::dir()?.join("services.json"), &services)?;
    Ok(services)
}

/// Runs one statement as the owner of `url`'s server.
pub async fn execute(url: &str, statement: &str) -> Result<()> {
    postgres::connect(url).await?.batch_execute(statement).await?;
    Ok(())
}

/// What was stopped.
#[derive(Serialize)]
pub struct Stopped {
    programs: usize,
    postgres: bool,
    redis: bool,
}

/// Stops our instances, and before them the demo's programs, which need them.
pub async fn down() -> Result<Stopped> {
    let programs = crate::demo::stop_programs().await?;
    let _lock = dev::lock("services")?;
    let stopped = Stopped { programs, postgres: postgres::down().await?, redis: redis::down().await? };
    std::fs::remove_file(dev::dir()?.join("services.json")).ok();
    Ok(stopped)
}

fn tell(stopped: &Stopped) {
    if stopped.programs > 0 {
        ui::out(&format!("{} programs of the demo: stopped", stopped.programs));
    }
    for (name, was) in [("PostgreSQL", stopped.postgres), ("Redis", stopped.redis)] {
        ui::out(&format!("{name}: {}", if was { "stopped" } else { "was not running here" }));
    }
}

async fn status(json: bool) -> Result<ExitCode> {
    let found = [("postgres", postgres::find().await), ("redis", redis::find().await)];
    let all = found.iter().all(|(_, service)| service.is_some());
    if json {
        ui::out(&serde_json::to_string_pretty(&serde_json::json!({
            "running": all, found[0].0: found[0].1, found[1].0: found[1].1,
        }))?);
    } else {
        for (name, service) in &found {
            ui::out(&match service {
                None => format!("{name:9} not running"),
                Some(s) => format!("{name:9} {} (version {}{})", s.url, s.version, whose(s)),
            });
        }
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn whose(service: &Service) -> String {
    match &service.ours {
        None => ", from the environment".to_owned(),
        Some(ours) => format!(", pid {}, log {}", ours.pid, ours.log.display()),
    }
}
