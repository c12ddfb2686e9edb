//! The queue engine by itself: no CRM, no HTTP, jobs that do nothing.
//!
//! What is left is the price of a job: its row, its way through Redis, its outcome. The worker runs inside this process,
//! because a separate one would add nothing but a socket to a wait for an atomic counter.

mod dispatcher;
mod drain;
mod enqueue;
mod latency;
mod world;

use std::sync::Arc;

use anyhow::Result;

use super::Scale;
use crate::report::Report;

/// Measures the engine.
///
/// # Errors
/// When PostgreSQL or Redis is not there, or a job is lost.
pub async fn run(scale: Scale) -> Result<Report> {
    let world = Arc::new(world::World::new().await?);
    let measured = measure(&world, scale).await;
    world.end().await?;
    measured
}

async fn measure(world: &Arc<world::World>, scale: Scale) -> Result<Report> {
    let mut report = Report::new("queue");
    world.warm_up().await?;
    dispatcher::measure(world, scale, &mut report).await?;
    drain::measure(world, scale, &mut report).await?;
    enqueue::measure(world, scale, &mut report).await?;
    latency::measure(world, scale, &mut report).await?;
    Ok(report)
}
