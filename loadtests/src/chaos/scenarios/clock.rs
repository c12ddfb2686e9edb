//! 8. Clocks five minutes off: of whoever accepts jobs, of workers, schedulers and Redis. The ledger's is right.
//!
//! First the engine alone: two workers, one fast and one slow, whose wall clock is the one that they hand to the engine and,
//! through it, to their handlers ([`patchbay_queue::clock`]; the engine reads no other, a lint forbids it); those who accept
//! jobs make their ids by their clocks, so that ids do not go up with acceptance. A later start is a customer's word, and meant
//! as it was said. Then the product's own programs, whose date is shadowed for the whole process: the API slow, the worker
//! fast, of two schedulers one of each, which take ticks of every second, each once. In both,
//! Redis' clock is fast, by which leases and limits are counted.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::chaos::cast::Part;
use crate::chaos::check::{Wanted, check};
use crate::chaos::product::{Product, Schedules};
use crate::chaos::row::Row;
use crate::chaos::servers::{Servers, Skew};
use crate::chaos::stage::{Scale, Setup, Stage};
use crate::clock;

const FAST_S: i64 = 300;
const SLOW_S: i64 = -300;
const OFF_BY_S: [i64; 3] = [FAST_S, SLOW_S, 0];

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let skew = servers.skew().await?;
    servers.redis.restart_empty(&skew.environment(FAST_S)).await?;
    let ahead_ms = servers.redis.clock().await? - clock::now().timestamp_millis();
    ensure!((ahead_ms - FAST_S * 1_000).abs() < 5_000, "Redis' clock is off by {ahead_ms} ms");
    let engine = of_the_engine(name, servers, scale).await?;
    let product = of_the_product(name, servers, scale, &skew).await?;
    servers.redis.restart_empty(&[]).await?;
    Ok(engine.and(&product).judged())
}

async fn of_the_engine(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
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

async fn of_the_product(name: &'static str, servers: &Servers, scale: Scale, skew: &Skew) -> Result<Row> {
    let scale = Scale { jobs: scale.jobs / 4, rate: scale.rate / 2, ..scale };
    let ticking = if scale.short { 3 } else { 20 };
    let mut product = Product::start(servers, f64::from(u32::try_from(scale.rate + ticking)?)).await?;
    let places = [
        (product.stack.place("patchbay-api")?, SLOW_S),
        (product.stack.place("patchbay-worker")?, FAST_S),
        (product.stack.place("patchbay-scheduler")?, SLOW_S),
        (product.stack.another("patchbay-scheduler", "SCHEDULER")?, FAST_S),
    ];
    for (place, off_by_s) in places {
        let environment = skew.environment(off_by_s);
        let settings: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
        product.stack.kill_and_restart(place, &settings).await?;
    }
    product.stack.ready().await?;
    let schedules = Schedules::make(&product, ticking).await?;
    let sending = product.send(scale).await?;
    product.seen(scale.jobs / 20).await?;
    while !sending.is_at(0.5) && sending.goes_on() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for (place, whose) in [(places[1].0, "the worker, which is fast"), (places[2].0, "the scheduler that is slow")] {
        product.strike(&format!("kill -9 of {whose}"));
        product.stack.kill_and_restart(place, &[]).await?;
        product.calm();
    }
    let sent = sending.end().await?;
    let ticks = schedules.end(&product).await?;
    let row = product.check(name, servers, sent + usize::try_from(ticks.taken)?, false).await?;
    Ok(ticks.told(row))
}
