//! The simulator as a program: flags, logs, and a stop that lets open requests end.

use clap::Parser;
use patchbay_simulator::{Config, Simulator};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,poem=warn"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter);
    if std::env::var("PATCHBAY__LOG__FORMAT").is_ok_and(|format| format == "json") {
        logs.json().init();
    } else {
        logs.init();
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let simulator = Simulator::start(config).await?;
    tracing::info!(url = simulator.base_url, "the simulator is listening");
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    let counts = simulator.counts();
    simulator.shutdown().await;
    tracing::info!(requests = counts.requests, accepted = counts.accepted, "the simulator has stopped");
    Ok(())
}
