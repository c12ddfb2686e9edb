//! Limits while the product is broken: set through the public API, as customers and an operator set them, and held against
//! what the provider saw of each send, which neither of them can know better.
//!
//! Both kinds of limit, on every kind of key: one customer's account may send a little less a second than is asked of
//! it, another's sender and a third as a whole about as much at a time as it needs, a fourth a little more a second
//! than it needs, and all together have a ceiling. So each binds now and then, most of all after a blow, and nobody is
//! held up for long. A send at the provider lies within the run that makes it: what is under way there at once is at
//! most what runs.

use std::time::Duration;

use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::chaos::check::{JITTER, tell};
use crate::chaos::observer::Run;
use crate::chaos::rules::{Lag, Rule, Rules, Scope};
use crate::clock;
use crate::customer::{Customer, SENDER, answer, text};
use crate::simulated::Simulated;
use crate::stack::Stack;

/// How long the provider takes for an answer, so that sends are under way beside each other, and about how long a run is
/// counted as taking: less than it does where few are asked for, or they would hardly meet.
const MANY: (Duration, f64) = (Duration::from_millis(60), 0.08);
const FEW: (Duration, f64) = (Duration::from_millis(300), 0.2);
/// Fewer a second than this are few.
const FROM: f64 = 100.0;
/// What may go at once.
const BURST: u32 = 5;
/// All tenants, and all lanes.
const ALL: &str = "*";

/// What is in force, and since when.
pub struct Limits {
    rules: Rules,
    /// Of each customer's messages.
    lanes: Vec<String>,
    since: DateTime<Utc>,
}

impl Limits {
    /// Gives each of `customers`, who are asked to send `per_second` together, an account at the simulator, and puts limits
    /// into force before anything is sent.
    ///
    /// # Errors
    /// When the API or the simulator refuses.
    pub async fn set(stack: &Stack, customers: &[Customer], per_second: f64) -> Result<(Self, Vec<Simulated>)> {
        let (mut rules, mut lanes, mut providers) = (Rules::default(), Vec::new(), Vec::new());
        let (latency, run_s) = if per_second < FROM { FEW } else { MANY };
        let slots = |per_second: f64| slots(per_second * run_s);
        let share = per_second / f64::from(u32::try_from(customers.len())?);
        for (number, customer) in customers.iter().enumerate() {
            let provider = Simulated::new(stack.simulator(), customer.add_account().await?).await?;
            provider.slow(latency).await?;
            providers.push(provider);
            let account = text(&customer.get("/v1/provider_accounts").await?["data"][0], "id")?;
            let sender = format!("{account}~{SENDER}");
            // On keys that have no rate yet: what a bucket has lent is owed under a lower rate, too.
            let (lane, limit) = match number {
                0 => (account, Ceiling::Rate(share * 0.8)),
                1 => (sender.clone(), Ceiling::AtOnce(slots(share))),
                2 => (String::new(), Ceiling::AtOnce(slots(share))),
                _ => (String::new(), Ceiling::Rate(share * 1.2)),
            };
            put(customer, &lane, "", &[limit]).await?;
            limit.order(&mut rules, Scope::lane(whose(number), &lane));
            lanes.push(sender);
        }
        let together = [Ceiling::AtOnce(slots(per_second)), Ceiling::Rate(per_second * 1.1)];
        put(&Customer::operator(stack)?, "", "?shared=true", &together).await?;
        together.iter().for_each(|limit| limit.order(&mut rules, Scope::tenant(Uuid::nil())));
        Ok((Self { rules, lanes, since: clock::now() }, providers))
    }

    /// How many sends came to the providers that no limit allowed.
    ///
    /// # Errors
    /// When the simulator does not know them all any more.
    pub async fn exceeded(&self, at: &[Simulated]) -> Result<u64> {
        let mut runs = Vec::new();
        for (number, (provider, lane)) in at.iter().zip(&self.lanes).enumerate() {
            let told = provider.ask("sends", "").await?;
            ensure!(told["forgotten"] == 0, "the simulator has forgotten sends: {}", told["forgotten"]);
            let sends = told["sends"].as_array().map(Vec::as_slice).unwrap_or_default();
            ensure!(!sends.is_empty(), "nothing was sent through {lane}");
            runs.extend(sends.iter().map(|send| self.run(send, whose(number), lane.clone())));
        }
        runs.sort_by_key(|run| run.from);
        let over = self.rules.exceeded(&runs, &Lag::of(JITTER));
        tell(&over);
        Ok(over.len() as u64)
    }

    fn run(&self, send: &Value, tenant: Uuid, lane: String) -> Run {
        let since = |field: &str| {
            let passed = send[field].as_i64()? - self.since.timestamp_millis();
            Some(Duration::from_millis(u64::try_from(passed).unwrap_or(0)))
        };
        let (from, until) = (since("arrived_ms").unwrap_or_default(), since("answered_ms"));
        Run { job: Uuid::nil(), tenant, kind: String::new(), lane, worker: String::new(), from, until }
    }
}

/// What is set on a key.
#[derive(Debug, Clone, Copy)]
enum Ceiling {
    /// Sends a second.
    Rate(f64),
    /// Sends at a time.
    AtOnce(u32),
}

impl Ceiling {
    fn order(self, rules: &mut Rules, scope: Scope) {
        let rule = match self {
            Self::Rate(per_second) => Rule::Rate(per_second, f64::from(BURST)),
            Self::AtOnce(most) => Rule::AtOnce(usize::try_from(most).unwrap_or(usize::MAX)),
        };
        // From the first instant: they were in force before anything was sent.
        rules.order(Duration::ZERO, scope, rule);
    }
}

/// At least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
fn slots(at_once: f64) -> u32 {
    at_once.ceil() as u32
}

/// Who a customer is in the rules; only that they differ counts.
fn whose(number: usize) -> Uuid {
    Uuid::from_u128(number as u128 + 1)
}

async fn put(caller: &Customer, lane: &str, query: &str, limits: &[Ceiling]) -> Result<()> {
    let lane = if lane.is_empty() { ALL } else { lane };
    let mut wanted = json!({});
    for limit in limits {
        match limit {
            Ceiling::Rate(per_second) => {
                wanted["rate_per_second"] = json!(per_second);
                wanted["burst"] = json!(BURST);
            }
            Ceiling::AtOnce(most) => wanted["concurrency"] = json!(most),
        }
    }
    let path = format!("/v1/queues/sends/lanes/{lane}/limit{query}");
    answer(caller.request(Method::PUT, &path).json(&wanted)).await.map(drop)
}
