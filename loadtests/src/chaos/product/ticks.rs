//! Tenants' schedules that tick every second, each tick a job that sends a message, and what must come of them: computed from
//! the schedules' rule and from when they were there, never from what came.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::Result;
use chrono::{DateTime, Utc};
use patchbay_queue::schedule::Rule;
use reqwest::Method;
use serde_json::json;

use super::Product;
use crate::chaos::check::PATIENCE;
use crate::chaos::row::Row;
use crate::clock;
use crate::customer::{Customer, answer, text};

/// How often it is asked what was taken.
const LOOK: Duration = Duration::from_millis(500);
/// Every second.
pub const CRON: &str = "* * * * * *";

/// Schedules that make up for every tick missed.
pub struct Schedules(Vec<Watched>);

impl Schedules {
    /// Makes `count`, for the customers in turn.
    ///
    /// # Errors
    /// One that the API refuses.
    pub async fn make(product: &Product, count: usize) -> Result<Self> {
        let mut schedules = Vec::new();
        for number in 0..count {
            let customer = product.customers[number % product.customers.len()].clone();
            let action =
                json!({"type": "send_message", "to": format!("+1628{:07}", 3_000_000 + number), "body": "tick"});
            let wanted = json!({"name": format!("s{number}"), "cron": CRON, "time_zone": "UTC",
                "catch_up": "all", "action": action});
            let id = text(&customer.post("/v1/schedules", &wanted).await?, "id")?;
            schedules.push(Watched { customer, id, since: clock::now() });
        }
        Ok(Self(schedules))
    }

    /// Waits for what is due by now, ends them, and holds their ticks against what had to come.
    ///
    /// # Errors
    /// What could not be looked at.
    pub async fn end(self, product: &Product) -> Result<Ticks> {
        // What is due by now has to come, and may take its time. Then the schedules get another rule, so that they end: what
        // is missed under a rule that is changed is not made up for.
        let (rule, until) = (Rule::new(CRON, "UTC")?, clock::now());
        let due: HashSet<Tick> = self.0.iter().flat_map(|of| due(&rule, of, until)).collect();
        let mut taken = taken(product).await?;
        let waiting = Instant::now();
        while !due.iter().all(|tick| taken.contains_key(tick)) && waiting.elapsed() < PATIENCE {
            tokio::time::sleep(LOOK).await;
            taken = self::taken(product).await?;
        }
        for Watched { customer, id, .. } in &self.0 {
            let new_year = json!({"cron": "0 0 0 1 1 *"});
            answer(customer.request(Method::PATCH, &format!("/v1/schedules/{id}")).json(&new_year)).await?;
        }
        Ok(Ticks::new(&due, &self::taken(product).await?))
    }
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
pub struct Ticks {
    /// That were taken.
    pub taken: u64,
    /// That were due, and were not.
    pub lost: u64,
    /// Jobs beyond a tick's first.
    pub doubled: u64,
}

impl Ticks {
    /// `row` with what was lost and doubled of them.
    pub fn told(&self, row: Row) -> Row {
        Row { lost: row.lost + self.lost, doubled: row.doubled + self.doubled, ..row }
    }

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
    fn a_schedule_that_never_ticks_and_one_that_stops_have_lost_their_ticks() {
        let due = [("a", 1), ("a", 2), ("b", 1), ("b", 2)];
        assert_eq!(found(&due, &[("a", 1)]), Ticks { taken: 1, lost: 3, doubled: 0 });
    }

    #[test]
    fn a_tick_that_is_taken_again_is_doubled_and_one_at_the_edge_is_neither() {
        assert_eq!(found(&[("a", 2)], &[("a", 1), ("a", 2), ("a", 2)]), Ticks { taken: 2, lost: 0, doubled: 1 });
    }
}
