//! 8. Clocks five minutes off: of two workers, one fast and one slow, and of those who accept the jobs.
//!
//! Skewed is every clock that these processes read. A worker's is the one that it hands to the engine and, through it, to its
//! handlers ([`patchbay_queue::clock`]); the engine reads no other (a lint forbids it). The keeper beside it has none to
//! skew: what it does about leases and openings goes by Redis's time, about due and expired jobs by the ledger's. Who accepts
//! jobs makes their ids by its clock, so that ids do not go up with acceptance. A later start is a customer's word, and meant as
//! it was said. The product's programs cannot be skewed one by one on one machine: worker and keeper are these same
//! parts, and the scheduler takes its ticks by the ledger's time.

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
