//! 7. SIGTERM of all workers in turn, forwards and back, with older and newer payloads and an unheard-of kind waiting.
//!
//! What a worker that ends has in hand it finishes or gives back, and neither costs a job anything: no job of these fails by
//! itself, so in the end none may have an error or a crash to its account. All of them take less than the grace; one that
//! waits to be stopped may take as long, and is interrupted then, which is free as well.

use std::time::Duration;

use anyhow::Result;
use patchbay_queue::{JobRequest, NewJob};
use uuid::Uuid;

use crate::chaos::agent::jobs::{Act, New, Old, Unheard};
use crate::chaos::cast::Part;
use crate::chaos::check::{Wanted, check};
use crate::chaos::row::Row;
use crate::chaos::servers::Servers;
use crate::chaos::stage::{Scale, Setup, Stage, lane};

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let older = Part { generation: 1, ..Part::default() };
    let setup = Setup { workers: vec![older; 3], work: WORK, make: Some(make), ..Setup::default() };
    let mut stage = Stage::open(servers, scale, &setup).await?;
    for (part, generation) in [(0.25, 2), (0.5, 1), (0.75, 2)] {
        stage.until(part).await?;
        stage.strike(&format!("all workers in turn: SIGTERM, and generation {generation} in their place"));
        for worker in &stage.workers {
            worker.replace(Part { generation, ..Part::default() }).await?;
        }
        stage.calm();
    }
    check(&mut stage, &Wanted { free: true, ..Wanted::new(name) }).await
}

/// Some are under way whenever SIGTERM comes.
const WORK: Duration = Duration::from_millis(50);

fn make(tenants: &[Uuid], n: usize, id: Uuid) -> NewJob {
    let tenant = tenants[n % tenants.len()];
    let work_us = u64::try_from(WORK.as_micros()).unwrap_or(u64::MAX);
    match n % 10 {
        8 => JobRequest::new(id, tenant, New { work_us, act: Act::Work }).lane(lane(tenants, n)).into(),
        9 => JobRequest::new(id, tenant, Unheard { work_us }).lane(lane(tenants, n)).into(),
        _ => {
            JobRequest::new(id, tenant, Old { work_ms: work_us / 1_000, act: Act::Work }).lane(lane(tenants, n)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_job_fails_by_itself() {
        let tenants = [Uuid::from_u128(1), Uuid::from_u128(2)];
        for n in 0..200 {
            let job = make(&tenants, n, Uuid::from_u128(3));
            let payload: serde_json::Value = serde_json::from_slice(&job.payload).unwrap();
            assert!(payload.get("act").is_none_or(|act| act == "Work"), "number {n}: {payload}");
        }
    }
}
