//! The product itself under load: its own programs, a customer in each of several tenants, the simulator as the observer.
//!
//! Used where what breaks is a program that the engine's scenarios do not have. Each message is one job and one call of the
//! public API, repeated under its idempotency key until it is answered, as a careful customer does.

mod limits;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};

use limits::Limits;

use super::check::{PATIENCE, TIDY, left, recovered};
use super::row::Row;
use super::servers::Servers;
use super::stage::Scale;
use crate::console;
use crate::customer::Customer;
use crate::simulated::Simulated;
use crate::stack::{Parts, Stack};

/// Customers.
const TENANTS: usize = 4;
/// Calls at a time.
const CALLERS: usize = 16;
/// Between two tries of one call, and how many there may be.
const AGAIN: Duration = Duration::from_millis(100);
const TRIES: usize = 600;
/// How often the simulator is asked how far it is.
const LOOK: Duration = Duration::from_millis(200);
/// What may be lost on the way (receipts, answers) is asked for after minutes; here, after seconds.
const IMPATIENT: [(&str, &str); 2] =
    [("PATCHBAY__WORKER__RECONCILE_AFTER", "2s"), ("PATCHBAY__SCHEDULER__RECONCILE_EVERY", "2s")];

/// The programs, and who uses them.
pub struct Product {
    /// The programs.
    pub stack: Stack,
    /// When they were troubled.
    pub blows: Vec<(Duration, Duration)>,
    /// One in each tenant.
    pub customers: Vec<Customer>,
    providers: Arc<Vec<Simulated>>,
    limits: Limits,
    start: Instant,
    watch: JoinHandle<()>,
    done: Arc<std::sync::Mutex<Vec<Duration>>>,
}

impl Product {
    /// Starts the programs on `servers`, signs up the customers, and limits them as suits `per_second` sends of all of them.
    ///
    /// # Errors
    /// A program that does not start.
    pub async fn start(servers: &Servers, per_second: f64) -> Result<Self> {
        servers.redis.flush().await?;
        let (postgres, redis) = (servers.postgres.url("postgres"), servers.redis.url());
        let stack = Stack::start_on(&postgres, &redis, Parts::All, &IMPATIENT).await?;
        let mut customers = Vec::new();
        for _ in 0..TENANTS {
            customers.push(Customer::sign_up(&stack).await?);
        }
        let (limits, providers) = Limits::set(&stack, &customers, per_second).await?;
        let (providers, done, start) = (Arc::new(providers), Arc::default(), Instant::now());
        let watch = tokio::spawn(watch(providers.clone(), start, Arc::clone(&done)));
        Ok(Self { stack, blows: Vec::new(), customers, providers, limits, start, watch, done })
    }

    /// Its clock starts now.
    pub fn begin(&mut self) {
        self.start = Instant::now();
        self.watch.abort();
        self.watch = tokio::spawn(watch(self.providers.clone(), self.start, self.done.clone()));
    }

    /// Begins to send `scale.jobs` messages, `scale.rate` a second, each with words of its own.
    pub fn send(&mut self, scale: Scale) -> Sending {
        self.begin();
        let (next, accepted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let (customers, next, accepted) = (self.customers.clone(), next.clone(), accepted.clone());
            callers.spawn(call(customers, next, accepted, scale));
        }
        Sending { accepted, wanted: scale.jobs, callers }
    }

    /// A blow begins.
    pub fn strike(&mut self, what: &str) {
        console::note(&format!("    {what}"));
        let now = self.start.elapsed();
        self.blows.push((now, now));
    }

    /// The blow that began last is over.
    pub fn calm(&mut self) {
        let now = self.start.elapsed();
        if let Some(blow) = self.blows.last_mut() {
            blow.1 = now;
        }
    }

    /// Waits until all of the `accepted` messages are delivered and every job over, counts, and ends the programs. `unlike`:
    /// no two messages say the same to the same number, so that the simulator knows a text that was sent twice.
    ///
    /// # Errors
    /// What could not be looked at.
    pub async fn check(self, name: &'static str, servers: &Servers, accepted: usize, unlike: bool) -> Result<Row> {
        let accepted = i64::try_from(accepted)?;
        let client = self.stack.database.observe().await?;
        let one = async |sql: &str| -> Result<i64> { Ok(client.query_one(sql, &[]).await?.get(0)) };
        let start = Instant::now();
        let (mut delivered, mut open) = (0, 1);
        while (delivered < accepted || open > 0) && start.elapsed() < PATIENCE {
            tokio::time::sleep(LOOK).await;
            delivered =
                one("SELECT count(*) FROM messages WHERE state = 'delivered' AND direction = 'outbound'").await?;
            open = one(OPEN).await?;
        }
        let messages = one("SELECT count(*) FROM messages WHERE direction = 'outbound'").await?;
        let attempts =
            one("SELECT coalesce(sum(attempts), 0)::int8 FROM messages WHERE direction = 'outbound'").await?;
        let (mut sent, mut twice) = (0, 0);
        for provider in self.providers.iter() {
            sent += provider.count("accepted").await?;
            twice += provider.count("duplicates").await?;
        }
        let mut leaked = 1;
        let start = Instant::now();
        while leaked > 0 && start.elapsed() < TIDY {
            tokio::time::sleep(LOOK).await;
            let pattern = format!("{}:{{[ms]*}}:*", self.stack.namespace());
            leaked = left(&mut servers.redis.connect().await?, &pattern).await?;
        }
        self.watch.abort();
        let done = self.done.lock().expect("no holder of this lock can panic").clone();
        let row = Row {
            scenario: name.to_owned(),
            jobs: accepted.unsigned_abs(),
            executions: attempts.unsigned_abs(),
            effects: sent,
            lost: (accepted - delivered.min(accepted)).unsigned_abs().saturating_sub(open.unsigned_abs()),
            // A message made again by a repeated call, or a repeated run, would be a doubled effect as well.
            doubled: if unlike { twice } else { sent.saturating_sub(messages.unsigned_abs()) }
                + (messages - accepted).max(0).unsigned_abs(),
            over_limit: self.limits.exceeded(&self.providers).await?,
            leaked,
            stuck: open.unsigned_abs(),
            recovered_s: recovered(Duration::ZERO, &self.blows, &done),
            holds: false,
        };
        drop(client);
        self.stack.end().await?;
        Ok(row.judged())
    }
}

/// Jobs of customers that are not over; the scheduler's own come and go.
const OPEN: &str = "SELECT count(*) FROM queue.jobs WHERE state IN ('waiting', 'scheduled', 'held')
    AND kind IN ('messages.send', 'messages.receipt', 'schedules.run')";

/// Sending under way.
pub struct Sending {
    accepted: Arc<AtomicUsize>,
    wanted: usize,
    callers: JoinSet<Result<()>>,
}

impl Sending {
    /// How many are accepted.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Whether so much of it is accepted.
    pub fn is_at(&self, part: f64) -> bool {
        let accepted = Duration::from_secs(self.accepted() as u64);
        accepted >= Duration::from_secs(self.wanted as u64).mul_f64(part)
    }

    /// Whether no caller has given up.
    pub fn goes_on(&self) -> bool {
        !self.callers.is_empty()
    }

    /// Waits for the last answer; says how many were accepted.
    ///
    /// # Errors
    /// A call that was refused, or never answered.
    pub async fn end(mut self) -> Result<usize> {
        while let Some(ended) = self.callers.join_next().await {
            ended.context("a caller panicked")??;
        }
        Ok(self.accepted())
    }
}

async fn call(
    customers: Vec<Customer>,
    next: Arc<AtomicUsize>,
    accepted: Arc<AtomicUsize>,
    scale: Scale,
) -> Result<()> {
    let pace = Duration::from_secs(1) * u32::try_from(CALLERS)? / u32::try_from(scale.rate.max(1))?;
    let mut tick = tokio::time::interval(pace);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= scale.jobs {
            return Ok(());
        }
        once(&customers[n % customers.len()], n).await?;
        accepted.fetch_add(1, Ordering::Relaxed);
    }
}

/// One call, until it is answered for good.
async fn once(customer: &Customer, n: usize) -> Result<()> {
    let (key, body) =
        (format!("storm-{n}"), json!({ "to": format!("+1628{:07}", 2_000_000 + n), "body": "in a storm" }));
    for _ in 0..TRIES {
        let request = customer.request(Method::POST, "/v1/messages").header("idempotency-key", &key).json(&body);
        if let Ok(answer) = request.timeout(Duration::from_secs(10)).send().await {
            match answer.status() {
                StatusCode::ACCEPTED => return Ok(()),
                // The same call of before is not answered yet, or nobody can answer now.
                StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => {}
                status if status.is_server_error() => {}
                status => bail!("a call was answered with {status}: {}", answer.text().await.unwrap_or_default()),
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
    bail!("a call was not answered in {TRIES} tries")
}

/// Notes when the simulator had taken how many.
async fn watch(providers: Arc<Vec<Simulated>>, start: Instant, done: Arc<std::sync::Mutex<Vec<Duration>>>) {
    loop {
        let mut sent = 0;
        for provider in providers.iter() {
            sent += provider.count("accepted").await.unwrap_or(0);
        }
        let now = start.elapsed();
        if let Ok(mut done) = done.lock() {
            let so_far = usize::try_from(sent).unwrap_or(usize::MAX).max(done.len());
            done.resize(so_far, now);
        }
        tokio::time::sleep(LOOK).await;
    }
}
