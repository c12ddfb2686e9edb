//! `patchbay-worker`: claims jobs and runs them.
//!
//! Arguments and configuration are checked together, and everything wrong is printed before anything starts.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use patchbay_service::{Config, Process, http};
use patchbay_workers::runtime::{Cli, Failure, Plan, run};

/// Wrong arguments or configuration, as clap has it.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ready = match Config::load(Process::Worker) {
        Ok(config) => cli.plan(&config.worker.queues).map(|plan| (config, plan)),
        Err(errors) => Err(cli.requests().err().into_iter().flatten().chain([errors.to_string()]).collect()),
    };
    let (config, plan) = match ready {
        Ok(ready) => ready,
        Err(problems) => {
            problems.iter().for_each(|problem| say(problem));
            return ExitCode::from(USAGE);
        }
    };
    http::install_tls();
    match work(config, plan) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

fn work(config: Config, plan: Plan) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(run(config, plan));
    // Not dropped: that would wait for handlers that hold a thread and never yield. Their jobs were given back.
    runtime.shutdown_background();
    ended
}

/// Telemetry may not be up, and standard error is where a supervisor looks.
fn say(text: &str) {
    // Nobody is left to tell where standard error is closed.
    let _closed = writeln!(io::stderr(), "patchbay-worker: {text}");
}
