//! 11. Limits and pauses changed 1,000 times under load, each to take effect within a second.

use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::chaos::check::{Wanted, check};
use crate::chaos::row::Row;
use crate::chaos::rules::Scope;
use crate::chaos::servers::Servers;
use crate::chaos::stage::{LANE, Scale, Setup, Stage};

/// So many that a key is left alone for a while between two changes: what may still hold for a second after a change would
/// hide everything else.
const TENANTS: usize = 48;
/// Long enough that a limit on what runs is felt.
const WORK: Duration = Duration::from_millis(60);

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let setup = Setup { limited: None, tenants: TENANTS, work: WORK, ..Setup::default() };
    let mut stage = Stage::open(servers, scale, &setup).await?;
    let mut random = StdRng::from_os_rng();
    let changes: u32 = if scale.short { 60 } else { 1_000 };
    stage.until(0.1).await?;
    stage.strike(&format!("{changes} changes of limits, weights and pauses"));
    let mut paused = vec![false; stage.tenants.len()];
    for change in 0..changes {
        stage.until(0.1 + 0.7 * f64::from(change) / f64::from(changes)).await?;
        // The upper half of the tenants is left in peace: their jobs must not suffer.
        let who = random.random_range(0..stage.tenants.len() / 2);
        let tenant = stage.tenants[who];
        let scope = if random.random_bool(0.5) { Scope::tenant(tenant) } else { Scope::lane(tenant, LANE) };
        match random.random_range(0..4) {
            0 => {
                paused[who] = !paused[who];
                stage.pause(tenant, paused[who]).await?;
            }
            1 => stage.set_weight(tenant, random.random_range(0.5..4.0)).await?,
            2 => stage.set_at_once(scope, random.random_range(1..4)).await?,
            _ => stage.set_rate(scope, random.random_range(0.5..6.0), random.random_range(1..4)).await?,
        }
    }
    for (tenant, paused) in stage.tenants.clone().into_iter().zip(paused) {
        if paused {
            stage.pause(tenant, false).await?;
        }
        for scope in [Scope::tenant(tenant), Scope::lane(tenant, LANE)] {
            stage.set_rate(scope.clone(), 2_000.0, 100).await?;
            stage.set_at_once(scope, 100).await?;
        }
    }
    stage.calm();
    check(&mut stage, &Wanted { heard: true, ..Wanted::new(name) }).await
}
