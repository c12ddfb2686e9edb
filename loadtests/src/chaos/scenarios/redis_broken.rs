//! 4. Redis: emptied, killed and restarted on its append-only file, stalled for 2 s and for 60 s. In the long form under a
//!    standing backlog ([`standing`]).

use std::time::Duration;

use anyhow::Result;

use super::standing;
use crate::chaos::check::{Wanted, check};
use crate::chaos::row::Row;
use crate::chaos::servers::Servers;
use crate::chaos::stage::{Scale, Stage};

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let mut stage = Stage::open(servers, scale, &standing::setup(scale)?).await?;
    stage.until(0.2).await?;
    stage.strike("FLUSHALL");
    stage.servers.redis.flush().await?;
    stage.calm();

    standing::next(&stage, 0.4).await?;
    stage.strike("kill -9 of Redis, and a restart");
    stage.servers.redis.kill_and_restart().await?;
    stage.calm();

    let long = Duration::from_secs(if scale.short { 7 } else { 60 });
    for (part, stall) in [(0.6, Duration::from_secs(2)), (0.8, long)] {
        standing::next(&stage, part).await?;
        stage.strike(&format!("Redis stalls for {} s", stall.as_secs()));
        stage.servers.redis.stall(stall).await?;
        stage.calm();
    }
    check(&mut stage, &Wanted::new(name)).await
}
