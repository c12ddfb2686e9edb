//! `patchbay-scheduler`: takes the ticks of the schedules and repairs the dispatcher. Run two: each tick happens once.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;
use patchbay_schedules::process::{Failure, run};
use patchbay_service::{Config, Process, http};

/// Enqueues Patchbay's scheduled jobs and repairs the dispatcher.
#[derive(Debug, Parser)]
#[command(name = "patchbay-scheduler", version, after_help = AFTER)]
struct Cli {}

const AFTER: &str = "Configuration: the TOML file that PATCHBAY_CONFIG names, overlaid by the environment
(DATABASE_URL, REDIS_URL, RUST_LOG, PATCHBAY__SECTION__KEY); config.example.toml shows every key.
Any number of schedulers may run: each tick enqueues once.

Exit codes: 0 after a signal; 1 a part failed; 2 the arguments or the configuration are wrong.";

/// Wrong arguments or configuration, as clap has it.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let Cli {} = Cli::parse();
    let config = match Config::load(Process::Scheduler) {
        Ok(config) => config,
        Err(problems) => {
            say(&problems.to_string());
            return ExitCode::from(USAGE);
        }
    };
    http::install_tls();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(run(config))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Telemetry may not be up, and standard error is where a supervisor looks.
fn say(text: &str) {
    // Nobody is left to tell where standard error is closed.
    let _closed = writeln!(io::stderr(), "patchbay-scheduler: {text}");
}
