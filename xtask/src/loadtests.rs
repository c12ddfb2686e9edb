//! `cargo xtask bench` and `chaos`: runs the load tests' own program, with everything it needs.
//!
//! What to measure and when it holds is the business of `loadtests`; this builds the programs it
//! starts (optimised, in one selection) and gives it the services and the folder of the binaries.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use tokio::process::Command;

use crate::cargo::{PROGRAMS, binaries, cargo, output};
use crate::services::Breakable;
use crate::{dev, services, ui};

/// Arguments that go on to the load tests.
#[derive(clap::Parser)]
pub struct Args {
    /// What of it to run, and its options, such as `--json`; `help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// With this the API's program can be told to die between commit and push; only chaos runs compile it in.
pub const FAILPOINTS: &str = "patchbay-api/failpoints";

/// With this the other queues that are libraries are compiled in, to be measured beside ours.
const PEERS: &str = "patchbay-loadtests/peers";

/// Whether the bench of the queue is among those asked for: by name, or because none is named.
fn measures_the_queue(args: &Args) -> bool {
    let named = ["import", "api", "send"].iter().any(|name| args.rest.iter().any(|arg| arg == name));
    !named || args.rest.iter().any(|arg| arg == "queue")
}

/// Runs the benches and ends as they end.
pub async fn bench(args: &Args) -> Result<ExitCode> {
    let services = services::up().await?;
    build(if measures_the_queue(args) { &["--features", PEERS] } else { &[] }).await?;
    dev::sub("bench")?;
    let mut command = program("bench", &binaries("release").await?);
    command.env("DATABASE_URL", &services.postgres.url).env("REDIS_URL", &services.redis.url);
    ended(command.args(&args.rest)).await
}

/// Runs the scenarios in their long form, unless told otherwise, and ends as they end.
pub async fn chaos(args: &Args) -> Result<ExitCode> {
    build(&["--features", FAILPOINTS]).await?;
    ended(chaos_command(&binaries("release").await?)?.args(&args.rest)).await
}

/// The chaos program of the binaries in `bin`, with servers of its own.
///
/// # Errors
/// Servers that are not to be had on this machine.
pub fn chaos_command(bin: &Path) -> Result<Command> {
    let servers = Breakable::find()?;
    let mut command = program("chaos", bin);
    command.env("PATCHBAY_CHAOS_POSTGRES", &servers.postgres_bin).env("PATCHBAY_CHAOS_REDIS", &servers.redis);
    command.env("PATCHBAY_CHAOS_HOME", &servers.home);
    if let Some(owner) = &servers.owner {
        command.env("PATCHBAY_CHAOS_OWNER", owner);
    }
    Ok(command)
}

async fn build(features: &[&str]) -> Result<()> {
    ui::note("building the programs, optimised: this takes a while the first time");
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--bins", "-p", "patchbay-loadtests"]).args(features);
    for (package, _) in PROGRAMS {
        build.args(["-p", package]);
    }
    output(&mut build).await.map(drop)
}

fn program(kind: &str, bin: &Path) -> Command {
    let mut command = Command::new(bin.join("patchbay-loadtests"));
    command.arg(kind).env("PATCHBAY_BIN_DIR", bin).current_dir(dev::root());
    command
}

async fn ended(command: &mut Command) -> Result<ExitCode> {
    Ok(if command.status().await?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
