//! 8. Clocks five minutes off: of two workers, one fast and one slow, and of those who accept the jobs.

use anyhow::Result;

use crate::chaos::cast::Part;
use crate::chaos::check::{Wanted, check};
use crate::chaos::row::Row;
use crate::chaos::servers::Servers;
use crate::chaos::stage::{Scale, Setup, Stage};

const OFF_BY_S: [i64; 3] = [300, -300, 0];

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let workers = OFF_BY_S.map(|off_by_s| Part { off_by_s, ..Part::default() }).to_vec();
    let setup = Setup { workers, off_by_s: &OFF_BY_S, ..Setup::default() };
    let mut stage = Stage::open(servers, scale, &setup).await?;
    // A worker that is killed leaves its leases to the others: whose clock is it that ends them?
    stage.until(0.5).await?;
    stage.strike("kill -9 of the worker whose clock is fast");
    stage.workers[0].kill().await?;
    stage.calm();
    check(&mut stage, &Wanted::new(name)).await
}
