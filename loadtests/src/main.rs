//! `patchbay-loadtests`: how fast Patchbay is, measured beside what the machine itself can do.
//!
//! An absolute figure says more about the machine than about the program, so each bench measures its limit in the
//! same run: a bare COPY, pgbench with the same statements, a bare HTTP loop. It drives the real programs, optimised,
//! as separate processes with a database and a Redis namespace of their own. Rejected: criterion and the like,
//! which measure functions; what is promised here are whole paths with PostgreSQL, Redis and HTTP in them.
//! `cargo xtask bench` builds everything and calls this; `README.md` says how to read the figures.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

mod bench;
mod chaos;
mod clock;
mod console;
mod customer;
mod folders;
mod http;
mod measure;
mod postgres;
mod report;
mod simulated;
mod stack;

/// Load tests of Patchbay.
#[derive(Parser)]
#[command(name = "patchbay-loadtests", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures, each figure beside its limit.
    Bench(bench::Args),
    /// Breaks programs, servers and the network under load, and counts what was lost.
    Chaos(chaos::Args),
    /// A worker process of the bench `queue`.
    #[command(hide = true)]
    BenchWorker(bench::queue::WorkerArgs),
    /// A worker process of a chaos run.
    #[command(hide = true)]
    ChaosWorker(chaos::agent::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
    // Only fails when one is installed already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let run = async {
        match &Cli::parse().command {
            Command::Bench(args) => Box::pin(unless_interrupted(bench::run(args))).await,
            Command::BenchWorker(args) => bench::queue::run_worker(args).await,
            Command::Chaos(args) => Box::pin(unless_interrupted(chaos::run(args))).await,
            // It ends as workers do: what it runs first.
            Command::ChaosWorker(args) => chaos::agent::run(args).await,
        }
    };
    match Box::pin(run).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Dropping a run ends the programs it started.
async fn unless_interrupted(run: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::select! {
        outcome = run => outcome,
        () = interrupted() => Err(anyhow::anyhow!("interrupted")),
    }
}

/// Resolves when somebody wants this to end.
async fn interrupted() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
