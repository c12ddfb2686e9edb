//! 5. PostgreSQL: restarted as by a power cut, its sessions ended, its connections used up, the workers' pools emptied. In the
//!    long form under a standing backlog ([`standing`]).

use std::time::Duration;

use anyhow::Result;
use nix::sys::signal::Signal;

use super::standing;
use crate::chaos::check::{Wanted, check};
use crate::chaos::row::Row;
use crate::chaos::servers::Servers;
use crate::chaos::stage::{Scale, Stage};

/// How long connections are kept from everybody else; as long as a worker told to hoard them does.
const USED_UP: Duration = Duration::from_secs(3);

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let mut stage = Stage::open(servers, scale, &standing::setup(scale)?).await?;
    stage.until(0.2).await?;
    stage.strike("PostgreSQL is restarted at once");
    stage.servers.postgres.restart_immediately().await?;
    stage.calm();

    standing::next(&stage, 0.4).await?;
    stage.strike("its sessions are ended");
    stage.servers.postgres.end_sessions().await?;
    stage.calm();

    standing::next(&stage, 0.6).await?;
    stage.strike("its connections are used up");
    stage.servers.postgres.end_sessions().await?;
    let mut taken = Vec::new();
    while let Ok(client) = stage.servers.postgres.connect("postgres").await {
        taken.push(client);
    }
    tokio::time::sleep(USED_UP).await;
    drop(taken);
    stage.calm();

    standing::next(&stage, 0.8).await?;
    stage.strike("the workers' pools are emptied");
    for worker in &stage.workers {
        worker.signal(Signal::SIGUSR1).await?;
    }
    tokio::time::sleep(USED_UP).await;
    stage.calm();
    check(&mut stage, &Wanted::new(name)).await
}
