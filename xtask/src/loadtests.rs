//! `cargo xtask bench` and `chaos`: runs the load tests' own program, with everything it needs.
//!
//! What to measure and when it holds is the business of `loadtests`; this builds the programs it
//! starts (optimised, in one selection) and gives it the services and the folder of the binaries.

use std::process::ExitCode;

use anyhow::Result;

use crate::cargo::{PROGRAMS, binaries, cargo, output};
use crate::{dev, services, ui};

/// Arguments that go on to the load tests.
#[derive(clap::Parser)]
pub struct Args {
    /// What of it to run, and its options, such as `--json`; `help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Runs `loadtests <kind> …` and ends as it ends.
pub async fn run(kind: &str, args: &Args) -> Result<ExitCode> {
    let services = services::up().await?;
    ui::note("building the programs, optimised: this takes a while the first time");
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--bins", "-p", "patchbay-loadtests"]);
    for (package, _) in PROGRAMS {
        build.args(["-p", package]);
    }
    output(&mut build).await?;
    let bin = binaries("release").await?;
    dev::sub("bench")?;
    let mut command = tokio::process::Command::new(bin.join("patchbay-loadtests"));
    command.arg(kind).args(&args.rest).current_dir(dev::root());
    command.env("DATABASE_URL", &services.postgres.url).env("REDIS_URL", &services.redis.url);
    command.env("PATCHBAY_BIN_DIR", &bin);
    let status = command.status().await?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
