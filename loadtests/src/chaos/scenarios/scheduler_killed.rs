//! 3. kill -9 of schedulers on the tick: of one of two, of the other, of both.
//!
//! Tenants' schedules tick every second and make up for every tick missed; each tick is a job that sends a message. What
//! must come out can be computed: a tick for each schedule and second, and a message for each tick.

use std::time::{Duration, Instant};

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use serde_json::json;

use crate::chaos::product::Product;
use crate::chaos::row::Row;
use crate::chaos::servers::Servers;
use crate::chaos::stage::Scale;
use crate::clock;
use crate::customer::{answer, text};

const SCHEDULER: &str = "patchbay-scheduler";

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let mut product = Product::start(servers).await?;
    let places = [product.stack.place(SCHEDULER)?, product.stack.another(SCHEDULER, "SCHEDULER")?];
    let seconds = u32::try_from(scale.jobs / scale.rate)?.max(8);
    let mut schedules = Vec::new();
    // A tick is three jobs and two receipts.
    let count = if scale.short { 10 } else { scale.jobs / usize::try_from(seconds)? };
    for number in 0..count {
        let customer = product.customers[number % product.customers.len()].clone();
        let action = json!({"type": "send_message", "to": format!("+1628{:07}", 3_000_000 + number), "body": "tick"});
        let wanted = json!({"name": format!("s{number}"), "cron": "* * * * * *", "time_zone": "UTC",
            "catch_up": "all", "action": action});
        let id = text(&customer.post("/v1/schedules", &wanted).await?, "id")?;
        schedules.push((customer, id));
    }
    product.begin();
    let (start, mut random) = (Instant::now(), StdRng::from_os_rng());
    let mut turn = 0_usize;
    tokio::time::sleep(Duration::from_secs(2)).await;
    while start.elapsed() < Duration::from_secs(1) * seconds * 4 / 5 {
        let past = u64::from(clock::now().timestamp_subsec_millis());
        tokio::time::sleep(Duration::from_millis(1_000 - past.min(999) + random.random_range(0..80))).await;
        let struck: &[usize] = [&places[..1], &places[1..], &places[..]][turn % 3];
        product.strike(&format!(
            "kill -9 of {} on the tick",
            if struck.len() > 1 { "both schedulers" } else { "a scheduler" }
        ));
        for place in struck {
            product.stack.kill_and_restart(*place, &[]).await?;
        }
        product.calm();
        turn += 1;
        tokio::time::sleep(Duration::from_secs(if scale.short { 0 } else { 2 })).await;
    }
    // What was missed is made up for before the schedules end. They get another rule instead of a pause, which would also
    // let ticks that wait go by.
    tokio::time::sleep(Duration::from_secs(3)).await;
    for (customer, id) in &schedules {
        let new_year = json!({"cron": "0 0 0 1 1 *"});
        answer(customer.request(Method::PATCH, &format!("/v1/schedules/{id}")).json(&new_year)).await?;
    }
    let ticks = ticks(&product).await?;
    let mut row = product.check(name, servers, usize::try_from(ticks.taken)?, false).await?;
    row.jobs = ticks.due;
    row.lost += ticks.due.saturating_sub(ticks.taken);
    row.doubled += ticks.jobs - ticks.taken;
    Ok(row.judged())
}

struct Ticks {
    /// From each schedule's making to its last tick.
    due: u64,
    /// That were taken.
    taken: u64,
    /// Jobs of them.
    jobs: u64,
}

const TICKS: &str = "
WITH ticks AS (
    SELECT convert_from(payload, 'UTF8')::jsonb ->> 'schedule_id' AS schedule,
        (convert_from(payload, 'UTF8')::jsonb ->> 'tick')::timestamptz AS tick
    FROM queue.jobs WHERE kind = 'schedules.run'),
each AS (
    SELECT count(*) AS jobs, count(DISTINCT tick) AS taken, extract(epoch FROM max(tick) - min(tick)) + 1 AS due
    FROM ticks GROUP BY schedule)
SELECT coalesce(sum(due), 0)::int8, coalesce(sum(taken), 0)::int8, coalesce(sum(jobs), 0)::int8 FROM each";

async fn ticks(product: &Product) -> Result<Ticks> {
    let row = product.stack.database.observe().await?.query_one(TICKS, &[]).await?;
    let count = |column| row.get::<_, i64>(column).unsigned_abs();
    Ok(Ticks { due: count(0), taken: count(1), jobs: count(2) })
}
