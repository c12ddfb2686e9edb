//! 3. kill -9 of schedulers on the tick: of one of two, of the other, of both.
//!
//! Tenants' schedules tick every second and make up for every tick missed; each tick is a job that sends a message. What
//! must come out is computed, from the schedules' rule and from when they were there, never from what came: a tick for each
//! schedule and second, and a message for each tick.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::Result;
use chrono::{DateTime, Utc};
use patchbay_queue::schedule::Rule;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use serde_json::json;

use crate::chaos::check::PATIENCE;
use crate::chaos::product::Product;
use crate::chaos::row::Row;
use crate::chaos::servers::Servers;
use crate::chaos::stage::Scale;
use crate::clock;
use crate::customer::{Customer, answer, text};

const SCHEDULER: &str = "patchbay-scheduler";
/// How often it is asked what was taken.
const LOOK: Duration = Duration::from_millis(500);
/// Every second.
const CRON: &str = "* * * * * *";

/// Runs it.
///
/// # Errors
/// What could not be run.
pub async fn run(name: &'static str, servers: &mut Servers, scale: Scale) -> Result<Row> {
    let seconds = u32::try_from(scale.jobs / scale.rate)?.max(8);
    let count = schedules(scale, seconds);
    let mut product = Product::start(servers, f64::from(u32::try_from(count)?)).await?;
    let places = [product.stack.place(SCHEDULER)?, product.stack.another(SCHEDULER, "SCHEDULER")?];
    let mut schedules = Vec::new();
    for number in 0..count {
        let customer = product.customers[number % product.customers.len()].clone();
        let action = json!({"type": "send_message", "to": format!("+1628{:07}", 3_000_000 + number), "body": "tick"});
        let wanted = json!({"name": format!("s{number}"), "cron": CRON, "time_zone": "UTC",
            "catch_up": "all", "action": action});
        let id = text(&customer.post("/v1/schedules", &wanted).await?, "id")?;
        schedules.push(Watched { customer, id, since: clock::now() });
    }
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
    // What is due by now has to come, and may take its time. Then the schedules get another rule, so that they end: what is
    // missed under a rule that is changed is not made up for.
    let (rule, until) = (Rule::new(CRON, "UTC")?, clock::now());
    let due: HashSet<Tick> = schedules.iter().flat_map(|of| due(&rule, of, until)).collect();
    let mut taken = taken(&product).await?;
    let waiting = Instant::now();
    while !due.iter().all(|tick| taken.contains_key(tick)) && waiting.elapsed() < PATIENCE {
        tokio::time::sleep(LOOK).await;
        taken = self::taken(&product).await?;
    }
    for Watched { customer, id, .. } in &schedules {
        let new_year = json!({"cron": "0 0 0 1 1 *"});
        answer(customer.request(Method::PATCH, &format!("/v1/schedules/{id}")).json(&new_year)).await?;
    }
    let ticks = Ticks::new(&due, &self::taken(&product).await?);
    let mut row = product.check(name, servers, usize::try_from(ticks.taken)?, false).await?;
    row.jobs = ticks.taken + ticks.lost;
    row.lost += ticks.lost;
    row.doubled += ticks.doubled;
    Ok(row.judged())
}

/// So many that as many ticks are due in `seconds` as jobs are asked for; few in the short form: a tick is three jobs and two
/// receipts.
fn schedules(scale: Scale, seconds: u32) -> usize {
    if scale.short { 10 } else { scale.jobs.div_ceil(usize::try_from(seconds).unwrap_or(usize::MAX)) }
}

/// A schedule whose ticks are watched.
struct Watched {
    customer: Customer,
    id: String,
    /// When it was surely there.
    since: DateTime<Utc>,
}

/// A schedule's id, and the Unix second.
type Tick = (String, i64);

/// The ticks of a schedule after it was there, up to `until`.
fn due(rule: &Rule, of: &Watched, until: DateTime<Utc>) -> Vec<Tick> {
    rule.ticks(of.since).take_while(|tick| *tick <= until).map(|tick| (of.id.clone(), tick.timestamp())).collect()
}

/// Ticks against what had to come. More may come: from before a schedule was surely there, and while it ended.
#[derive(Debug, PartialEq, Eq)]
struct Ticks {
    /// That were taken.
    taken: u64,
    /// That were due, and were not.
    lost: u64,
    /// Jobs beyond a tick's first.
    doubled: u64,
}

impl Ticks {
    fn new(due: &HashSet<Tick>, taken: &HashMap<Tick, u64>) -> Self {
        let lost = due.iter().filter(|tick| !taken.contains_key(*tick)).count() as u64;
        let distinct = taken.len() as u64;
        Self { taken: distinct, lost, doubled: taken.values().sum::<u64>() - distinct }
    }
}

const TAKEN: &str = "
SELECT convert_from(payload, 'UTF8')::jsonb ->> 'schedule_id',
    extract(epoch FROM (convert_from(payload, 'UTF8')::jsonb ->> 'tick')::timestamptz)::int8, count(*)
FROM queue.jobs WHERE kind = 'schedules.run' GROUP BY 1, 2";

/// The ticks that were taken, each with how many jobs it has.
async fn taken(product: &Product) -> Result<HashMap<Tick, u64>> {
    let rows = product.stack.database.observe().await?.query(TAKEN, &[]).await?;
    Ok(rows.iter().map(|row| ((row.get(0), row.get(1)), row.get::<_, i64>(2).unsigned_abs())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(of: &[(&str, i64)]) -> Vec<Tick> {
        of.iter().map(|(schedule, second)| ((*schedule).to_owned(), *second)).collect()
    }

    fn found(due: &[(&str, i64)], taken: &[(&str, i64)]) -> Ticks {
        let mut jobs = HashMap::new();
        ticks(taken).into_iter().for_each(|tick| *jobs.entry(tick).or_default() += 1);
        Ticks::new(&ticks(due).into_iter().collect(), &jobs)
    }

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

    #[test]
    fn a_schedule_that_never_ticks_and_one_that_stops_have_lost_their_ticks() {
        let due = [("a", 1), ("a", 2), ("b", 1), ("b", 2)];
        assert_eq!(found(&due, &[("a", 1)]), Ticks { taken: 1, lost: 3, doubled: 0 });
    }

    #[test]
    fn a_tick_that_is_taken_again_is_doubled_and_one_at_the_edge_is_neither() {
        assert_eq!(found(&[("a", 2)], &[("a", 1), ("a", 2), ("a", 2)]), Ticks { taken: 2, lost: 0, doubled: 1 });
    }
}
