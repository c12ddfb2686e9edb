//! 3. kill -9 of schedulers on the tick: of one of two, of the other, of both.
//!
//! Tenants' schedules tick every second and make up for every tick missed; each tick is a job that sends a message. What
//! must come out is computed, from the schedules' rule and from when they were there, never from what came: a tick for each
//! schedule and second, and a message for each tick.

use std::time::{Duration, Instant};

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::chaos::product::{Product, Schedules};
use crate::chaos::row::Row;
use crate::chaos::servers::Servers;
use crate::chaos::stage::Scale;
use crate::clock;

const SCHEDULER: &str = "patchbay-scheduler";

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let seconds = u32::try_from(scale.jobs / scale.rate)?.max(8);
    let count = schedules(scale, seconds);
    let mut product = Product::start(servers, f64::from(u32::try_from(count)?)).await?;
    let places = [product.stack.place(SCHEDULER)?, product.stack.another(SCHEDULER, "SCHEDULER")?];
    let schedules = Schedules::make(&product, count).await?;
    product.begin().await?;
    let (start, mut random) = (Instant::now(), StdRng::from_os_rng());
    let mut turn = 0_usize;
    tokio::time::sleep(Duration::from_secs(2)).await;
    product.seen(count / 2).await?;
    // They tick on for the last fifth, or nothing would show that work goes on after the last blow.
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
    tokio::time::sleep((Duration::from_secs(1) * seconds).saturating_sub(start.elapsed())).await;
    let ticks = schedules.end(&product).await?;
    let mut row = product.check(name, servers, usize::try_from(ticks.taken)?, false).await?;
    row.jobs = ticks.taken + ticks.lost;
    Ok(ticks.told(row).judged())
}

/// So many that as many ticks are due in `seconds` as jobs are asked for; few in the short form: a tick is three jobs and two
/// receipts.
fn schedules(scale: Scale, seconds: u32) -> usize {
    if scale.short { 10 } else { scale.jobs.div_ceil(usize::try_from(seconds).unwrap_or(usize::MAX)) }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use patchbay_queue::schedule::Rule;

    use super::*;
    use crate::chaos::product::CRON;

    #[test]
    fn as_many_ticks_are_due_in_the_long_form_as_jobs_are_asked_for() {
        let rule = Rule::new(CRON, "UTC").unwrap();
        let since: DateTime<Utc> = "2026-01-01T00:00:00.7Z".parse().unwrap();
        for (jobs, seconds) in [(20_000, 50), (1_001, 8)] {
            let scale = Scale { jobs, rate: 400, lease: Duration::from_secs(9), short: false };
            let until = since + Duration::from_secs(u64::from(seconds));
            let ticks = rule.ticks(since).take_while(|tick| *tick <= until).count();
            assert!(schedules(scale, seconds) * ticks >= jobs, "{jobs} in {seconds} s");
        }
    }
}
