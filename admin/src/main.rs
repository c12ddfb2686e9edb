//! `patchbay-admin`: the operator's view of queues, jobs and dead letters, from a terminal.
//!
//! It has no powers of its own: everything goes through the API, with a key, so that what it may do is decided and
//! audited in one place. The client is made from `openapi/openapi.json` (`build/`); here are arguments and tables.
//! Rejected: speaking to PostgreSQL and Redis, which would be faster to write and would go round every permission.

mod answer;
mod cli;
mod client;
mod clock;
mod commands;
mod confirm;
mod context;
mod failure;
mod options;
mod pages;
mod refusal;
mod screen;
mod watch;
mod when;

// What the build script is made of, so that its tests run.
#[cfg(test)]
#[path = "../build/lower.rs"]
mod lower;
#[cfg(test)]
#[path = "../build/narrow.rs"]
mod narrow;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{cli::Cli, context::Context, failure::Failure, screen::terminal};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Err holds the provider that could not be installed because there is one.
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(run(&cli)),
        Err(error) => Err(Failure::Strange(format!("cannot start: {error}"))),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            terminal::error(&failure.told(cli.options.json));
            failure.exit_code()
        }
    }
}

async fn run(cli: &Cli) -> Result<ExitCode, Failure> {
    if let cli::Command::Completion(completion) = &cli.command {
        completion.run();
        return Ok(ExitCode::SUCCESS);
    }
    let context = Context::new(&cli.options)?;
    match cli.command.every(&cli.options)? {
        Some(every) => watch::watch(&context, &cli.command, every).await,
        None => {
            let view = cli.command.run(&context).await?;
            terminal::result(&view.shown(context.json));
            if let Some(note) = view.note.as_ref().filter(|_| !context.json) {
                terminal::note(note);
            }
            Ok(view.exit_code())
        }
    }
}
