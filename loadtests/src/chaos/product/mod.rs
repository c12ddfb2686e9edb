//! The product itself under load: its own programs, a customer in each of several tenants, the simulator as the observer.
//!
//! Used where what breaks is a program that the engine's scenarios do not have. Each message is one job and one call of the
//! public API, repeated under its idempotency key until it is answered, as a careful customer does.

mod door;
mod limits;
mod ticks;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;

use limits::Limits;
#[cfg(test)]
pub use ticks::CRON;
pub use ticks::Schedules;
use watch::Watch;

use super::check::{ASIDE, PATIENCE, TIDY, left};
use super::recovery::{Recovery, text};
use super::row::Row;
use super::servers::Servers;
use super::stage::Scale;
use crate::console;
use crate::customer::Customer;
use crate::simulated::Simulated;
use crate::stack::{Parts, Stack};

/// Customers.
const TENANTS: usize = 4;
/// Messages before the load.
const FIRST: u64 = TENANTS as u64;
/// Calls at a time.
const CALLERS: usize = 16;
/// Between two tries of one call, and how many there may be.
const AGAIN: Duration = Duration::from_millis(100);
const TRIES: usize = 600;
/// How often it is asked what is done.
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
    /// From when the load began.
    watch: Option<Watch>,
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
        let providers = Arc::new(providers);
        let product = Self { stack, blows: Vec::new(), customers, providers, limits, watch: None };
        product.first_run().await?;
        Ok(product)
    }

    /// One message of each customer, so that work goes before anything is measured: under a limit on what runs a new Redis
    /// lets nothing start for as long as a lease.
    async fn first_run(&self) -> Result<()> {
        for (number, customer) in self.customers.iter().enumerate() {
            let body = json!({ "to": format!("+1628{:07}", 4_000_000 + number), "body": "before a storm" });
            customer.post("/v1/messages", &body).await?;
        }
        let start = Instant::now();
        while self.count("accepted").await? < FIRST {
            ensure!(start.elapsed() < PATIENCE, "nothing was sent within {PATIENCE:?}");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// A count of the simulator's, of all customers.
    async fn count(&self, name: &str) -> Result<u64> {
        let mut count = 0;
        for provider in self.providers.iter() {
            count += provider.count(name).await?;
        }
        Ok(count)
    }

    /// The load begins, and with it the clock.
    ///
    /// # Errors
    /// A simulator that does not answer.
    pub async fn begin(&mut self) -> Result<()> {
        self.watch = Some(Watch::begin(self.providers.clone()).await?);
        Ok(())
    }

    /// Waits until so many effects were seen: their pace before the first blow is what full speed is measured by.
    ///
    /// # Errors
    /// When they do not come.
    pub async fn seen(&self, effects: usize) -> Result<()> {
        let start = Instant::now();
        while self.done().len() < effects {
            ensure!(start.elapsed() < PATIENCE, "fewer than {effects} effects within {PATIENCE:?}");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    fn done(&self) -> Vec<Duration> {
        self.watch.as_ref().map(Watch::done).unwrap_or_default()
    }

    fn now(&self) -> Duration {
        self.watch.as_ref().map(Watch::now).unwrap_or_default()
    }

    /// Begins to send `scale.jobs` messages, `scale.rate` a second, each with words of its own.
    ///
    /// # Errors
    /// A simulator that does not answer.
    pub async fn send(&mut self, scale: Scale) -> Result<Sending> {
        self.begin().await?;
        let (next, accepted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let (customers, next, accepted) = (self.customers.clone(), next.clone(), accepted.clone());
            callers.spawn(call(customers, next, accepted, scale));
        }
        Ok(Sending { accepted, wanted: scale.jobs, callers })
    }

    /// Whether a message of so many bytes is refused at the door, because of them.
    ///
    /// # Errors
    /// An API that does not answer.
    pub async fn refuses(&self, bytes: usize) -> Result<bool> {
        let customer = &self.customers[0];
        let status = door::answer_to(customer.api, &customer.key, bytes).await?;
        let refused = status == StatusCode::PAYLOAD_TOO_LARGE;
        if !refused {
            console::note(&format!("    a message of {bytes} bytes was answered with {status}"));
        }
        Ok(refused)
    }

    /// A blow begins.
    pub fn strike(&mut self, what: &str) {
        console::note(&format!("    {what}"));
        let now = self.now();
        self.blows.push((now, now));
    }

    /// The blow that began last is over.
    pub fn calm(&mut self) {
        let now = self.now();
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
        let accepted = i64::try_from(FIRST)? + i64::try_from(accepted)?;
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
        let (sent, twice) = (self.count("accepted").await?, self.count("duplicates").await?);
        let mut leaked = 1;
        let start = Instant::now();
        while leaked > 0 && start.elapsed() < TIDY {
            tokio::time::sleep(LOOK).await;
            let aside = one(ASIDE).await?.unsigned_abs();
            leaked = left(&mut servers.redis.connect().await?, self.stack.namespace()).await? + aside;
        }
        let recovery = Recovery::measure(Duration::ZERO, &self.blows, &self.done());
        console::note(&format!("    {}", text(recovery)));
        let row = Row {
            scenario: name.to_owned(),
            jobs: accepted.unsigned_abs() - FIRST,
            executions: attempts.unsigned_abs().saturating_sub(FIRST),
            effects: sent.saturating_sub(FIRST),
            lost: (accepted - delivered.min(accepted)).unsigned_abs().saturating_sub(open.unsigned_abs()),
            // A message made again by a repeated call, or a repeated run, would be a doubled effect as well.
            doubled: if unlike { twice } else { sent.saturating_sub(messages.unsigned_abs()) }
                + (messages - accepted).max(0).unsigned_abs(),
            over_limit: self.limits.exceeded(&self.providers).await?,
            leaked,
            stuck: open.unsigned_abs(),
            recovered_s: recovery.as_ref().map(Recovery::seconds),
            holds: false,
        };
        drop(client);
        self.stack.end().await?;
        Ok(row.judged())
    }
}

/// Jobs of customers that are not over; the scheduler's own come and go, and are in [`ASIDE`] as little.
const OPEN: &str = "SELECT count(*) FROM queue.jobs WHERE state IN ('waiting', 'scheduled', 'held')
    AND kind NOT LIKE 'maintenance.%'";

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
