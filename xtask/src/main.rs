//! `cargo xtask`: every command a person or a CI machine types, in one binary.
//!
//! Why a program and not shell scripts: the same set-up (services, processes, free ports) serves
//! `demo`, `test`, `bench` and `chaos`, must survive stale state and killed servers, and must run
//! where only a Rust toolchain is. Anything it needs beyond that is found, installed, or named
//! with the exact command to type.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod api;
mod cargo;
mod demo;
mod dev;
mod environment;
mod loadtests;
mod openapi;
mod process;
mod processes;
mod random;
mod services;
mod test;
mod ui;

/// Set-up, demo and checks of Patchbay.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// PostgreSQL and Redis for development: start, stop, look.
    Services(services::Args),
    /// Set everything up, run the main job through the public API, and leave it running.
    Demo(demo::Args),
    /// Every check: format, lints, dependencies, tests, OpenAPI, fuzzing.
    Test(test::Args),
    /// Write the API's document to openapi/openapi.json, or check it.
    Openapi(openapi::Args),
    /// Attack a running API with schemathesis for a longer time.
    Fuzz(test::FuzzArgs),
    /// Measure, each figure beside its limit (results in .dev/bench/).
    Bench(loadtests::Args),
    /// Break things on purpose under load, and count what was lost.
    Chaos(loadtests::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Services(args) => services::run(&args).await,
        Command::Demo(args) => demo::run(&args).await,
        Command::Test(args) => test::run(&args).await,
        Command::Openapi(args) => openapi::run(&args).await,
        Command::Fuzz(args) => test::fuzz(&args).await,
        Command::Bench(args) => loadtests::bench(&args).await,
        Command::Chaos(args) => loadtests::chaos(&args).await,
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            ui::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
