//! 1. kill -9 of workers, repeatedly: first each kind of blow by itself, with time for work to recover from it, then many in a
//!    row; the short form has the row alone.
//!
//! Where recovery is measured there is always a backlog ([`standing`]). What a killed worker had in hand holds its places
//! under the limits (all slots are one of them) until its leases are over.

use std::time::Duration;

use anyhow::Result;

use super::standing::{self, APART};
use crate::chaos::check::{Wanted, check};
use crate::chaos::row::Row;
use crate::chaos::servers::Servers;
use crate::chaos::stage::{Scale, Stage};
use crate::console;

/// Who is killed, from which worker on.
#[derive(Debug, Clone, Copy)]
enum Blow {
    One(usize),
    Two(usize),
    All,
    /// One, and whatever takes its place as soon as it is up.
    Again(usize),
}

/// One after the other, each sooner than leases are over.
const ROW: Duration = Duration::from_millis(2_500);
/// By then a new process works.
const UP: Duration = Duration::from_millis(800);

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let mut stage = Stage::open(servers, scale, &standing::setup(scale)?).await?;
    if scale.short {
        for (part, blow) in [(0.2, Blow::One(0)), (0.4, Blow::One(1)), (0.6, Blow::All)] {
            stage.until(part).await?;
            strike(&mut stage, blow).await?;
        }
        return check(&mut stage, &Wanted::new(name)).await;
    }
    stage.until(0.2).await?;
    let pace = standing::pace(scale)?;
    for blow in [Blow::One(0), Blow::All, Blow::Again(1), Blow::Two(2)] {
        if stage.backlog() < pace || stage.left() < pace * 20 {
            console::note("    too little waits, or is left to do, to measure by: fewer blows apart");
            break;
        }
        strike(&mut stage, blow).await?;
        tokio::time::sleep(APART).await;
    }
    for blow in [Blow::One(1), Blow::One(2), Blow::All, Blow::One(0), Blow::Two(1), Blow::All] {
        strike(&mut stage, blow).await?;
        tokio::time::sleep(ROW).await;
    }
    check(&mut stage, &Wanted::new(name)).await
}

async fn strike(stage: &mut Stage<'_>, blow: Blow) -> Result<()> {
    let all = stage.workers.len();
    let (first, count, what) = match blow {
        Blow::One(first) => (first, 1, "a worker"),
        Blow::Two(first) => (first, 2, "two workers"),
        Blow::All => (0, all, "all workers"),
        Blow::Again(first) => (first, 1, "a worker, and of the one in its place"),
    };
    stage.strike(&format!("kill -9 of {what}"));
    for place in first..first + count {
        stage.workers[place % all].kill().await?;
    }
    if let Blow::Again(_) = blow {
        tokio::time::sleep(UP).await;
        stage.workers[first].kill().await?;
    }
    stage.calm();
    Ok(())
}
