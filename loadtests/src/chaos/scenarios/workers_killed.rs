//! 1. kill -9 of workers, repeatedly: one, another, then all at once.

use anyhow::Result;

use crate::chaos::check::{Wanted, check};
use crate::chaos::row::Row;
use crate::chaos::servers::Servers;
use crate::chaos::stage::{Scale, Setup, Stage};

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let mut stage = Stage::open(servers, scale, &Setup::default()).await?;
    let rounds = if scale.short { 3 } else { 12 };
    for round in 0..rounds {
        stage.until(0.2 + 0.6 * f64::from(round) / f64::from(rounds)).await?;
        let number = usize::try_from(round)?;
        if number % 3 == 2 {
            stage.strike("kill -9 of all workers");
            for worker in &stage.workers {
                worker.kill().await?;
            }
        } else {
            stage.strike("kill -9 of a worker");
            stage.workers[number % stage.workers.len()].kill().await?;
        }
        stage.calm();
    }
    check(&mut stage, &Wanted::new(name)).await
}
