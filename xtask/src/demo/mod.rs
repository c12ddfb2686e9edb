//! `cargo xtask demo`: set-up, and then the product's main job on real input, told as a story.
//!
//! Everything after the start goes through the public HTTP API with an ordinary client; nothing
//! looks into the database. Each step knows what must come out of `examples/leads.csv`, so the
//! demo is a proof as much as a show, and `--once` is that proof for a machine.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::random::Secrets;
use crate::services::{self, Services};
use crate::{processes, ui};

mod follow;
mod programs;
mod report;
mod step;
mod story;

use programs::Programs;
use report::Report;

/// Arguments of `cargo xtask demo`.
#[derive(Parser)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Stop everything that was started, and exit non-zero if any count is off.
    #[arg(long)]
    once: bool,
    /// With --once: leave PostgreSQL and Redis running.
    #[arg(long, requires = "once")]
    keep: bool,
    /// Print the result as JSON on stdout (also in .dev/demo.json).
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    /// Stop the programs of the last demo.
    Down,
}

/// Runs the command.
pub async fn run(args: &Args) -> Result<ExitCode> {
    if matches!(args.action, Some(Action::Down)) {
        let stopped = stop_programs().await?;
        ui::out(&if args.json {
            serde_json::json!({ "programs": stopped }).to_string()
        } else {
            format!("{stopped} programs stopped")
        });
        return Ok(ExitCode::SUCCESS);
    }
    let start = Instant::now();
    let services = services::up().await?;
    let outcome = perform(&services, start, args).await;
    if args.once {
        stop_programs().await?;
        if services.started && !args.keep {
            services::down().await?;
        }
    }
    let holds = outcome?;
    Ok(if holds || !args.once { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Stops the programs of the last demo. Returns how many were running.
pub async fn stop_programs() -> Result<usize> {
    processes::stop(programs::FILE).await
}

async fn perform(services: &Services, start: Instant, args: &Args) -> Result<bool> {
    let secrets = Secrets::load()?;
    let mut programs = Programs::start(services, &secrets).await?;
    let addresses = programs.addresses.clone();
    // Whoever kills a program while the story is told sees it start again and the counts hold.
    let told = tokio::select! {
        told = story::tell(&addresses, &secrets, start) => told,
        ended = programs.group.supervise() => match ended {
            Ok(never) => match never {},
            Err(error) => Err(error),
        },
    };
    let told = told.map_err(|error| {
        error.context(format!(
            "the demo stopped. The programs still run: their logs are in .dev/logs/, the API's documentation is at \
             {}/docs; `cargo xtask demo down` stops them, and `cargo xtask demo` begins again",
            addresses.api
        ))
    })?;
    let report = Report::new(told, start.elapsed());
    report.write()?;
    if args.json {
        ui::out(&report.json()?);
    } else {
        report.print(&programs, args.once);
    }
    Ok(report.holds)
}
