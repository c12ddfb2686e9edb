//! What the engine's scenarios stand on: a new database, an emptied Redis, ways to both that can be broken, an observer,
//! worker processes, a steady load of several tenants some of whom are limited.

mod door;
mod limits;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use patchbay_db::ids::TenantId;
use patchbay_db::{Db, DbConfig, Ids, Pools};
use patchbay_queue::lanes::{Limit, Window};
use patchbay_queue::{Dispatcher, JobRequest, Lanes, NewJob};
use secrecy::SecretString;
use tokio::sync::mpsc;
use uuid::Uuid;

pub use limits::AtOnce;

use super::agent::jobs::{Act, New, Old};
use super::cast::{Common, Part, Worker};
use super::feed::{Fed, Feed, Load, Look, Make};
use super::mixed::Mix;
use super::mixed::hands::{Done, Hands};
use super::observer::{Observer, Run};
use super::relay::Relay;
use super::rules::{Rules, Scope};
use super::servers::Servers;
use crate::{clock, console, stack};

/// How large a run is.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Jobs of each scenario.
    pub jobs: usize,
    /// Of them a second.
    pub rate: usize,
    /// The workers' lease.
    pub lease: Duration,
    /// Whether this is the short form: shorter outages.
    pub short: bool,
}

/// Tenants, where nothing else is said.
pub const TENANTS: usize = 8;
/// The lane of every other job of a tenant; the rest are in `pa~s2`.
pub const LANE: &str = "pa~s1";

/// How long a job takes, where nothing else is said.
pub const WORK: Duration = Duration::from_millis(5);

/// One in so many jobs is done before the first blow.
const PACED: usize = 25;
const PACED_WITHIN: Duration = Duration::from_secs(60);

/// Names inside the private servers.
const DATABASE: &str = "chaos";
const NAMESPACE: &str = "chaos";

/// Makes job number `n` of a load under an id, for one of the tenants.
pub type Maker = fn(&[Uuid], usize, Uuid) -> NewJob;

/// What a scenario may differ in.
pub struct Setup {
    /// Worker processes, and how each works.
    pub workers: Vec<Part>,
    /// How long a job takes.
    pub work: Duration,
    /// How a job is made, where not by [`plain`].
    pub make: Option<Maker>,
    /// Tenants.
    pub tenants: usize,
    /// How many runs are let through at a time, where some are limited.
    pub limited: Option<AtOnce>,
    /// By how many seconds the clocks of whoever accepts jobs are off: batch by batch in turn.
    pub off_by_s: &'static [i64],
    /// Whether jobs may hold threads for good.
    pub holds_threads: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            workers: vec![Part::default(); 3],
            work: WORK,
            make: None,
            tenants: TENANTS,
            limited: Some(AtOnce { tenant: 3, lane: 1, all: 30 }),
            off_by_s: &[0],
            holds_threads: false,
        }
    }
}

/// One scenario's world.
pub struct Stage<'s> {
    /// The servers themselves.
    pub servers: &'s mut Servers,
    /// How large.
    pub scale: Scale,
    /// The way to PostgreSQL.
    pub postgres: Relay,
    /// The way to Redis.
    pub redis: Relay,
    /// Where effects happen.
    pub observer: Observer,
    /// The worker processes.
    pub workers: Vec<Worker>,
    /// The tenants.
    pub tenants: Vec<Uuid>,
    /// What was limited when.
    pub rules: Rules,
    limits: HashMap<Scope, Limit>,
    /// When it was troubled, by the observer's clock.
    pub blows: Vec<(Duration, Duration)>,
    /// When the load began, by the observer's clock.
    pub begun: Duration,
    /// The dispatcher's side, straight.
    pub lanes: Lanes,
    /// The ledger, straight.
    pub look: Look,
    /// What the jobs have to do with each other.
    pub mix: Arc<Mix>,
    feed: Option<Feed>,
    hands: Option<Hands>,
    db: Db,
    pools: Pools,
    common: Common,
    straight: Pools,
}

impl<'s> Stage<'s> {
    /// Everything in place, and the load begins.
    ///
    /// # Errors
    /// What does not start.
    pub async fn open(servers: &'s mut Servers, scale: Scale, setup: &Setup) -> Result<Self> {
        servers.redis.flush().await?;
        let admin = servers.postgres.connect("postgres").await?;
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")).await?;
        admin.batch_execute(&format!("CREATE DATABASE {DATABASE} TEMPLATE template0")).await?;
        let look = Look { url: servers.postgres.url(DATABASE) };
        patchbay_db::migrate::up(&SecretString::from(look.url.clone())).await?;
        let postgres = Relay::to(servers.postgres.address()).await?;
        let redis = Relay::to(servers.redis.address()).await?;
        let observer = Observer::start().await?;
        let common = Common {
            database: format!("postgres://postgres@{}/{DATABASE}", postgres.address()),
            redis: format!("redis://{}", redis.address()),
            namespace: NAMESPACE.to_owned(),
            observer: observer.address(),
            lease: scale.lease,
            logs: PathBuf::from(".dev/chaos/logs"),
            holds_threads: setup.holds_threads,
        };
        let pools = Pools::new(&DbConfig::new(common.database.clone()))?;
        let straight = Pools::new(&DbConfig::new(look.url.clone()))?;
        let dispatcher = Dispatcher::start(Lanes::connect(&common.redis, NAMESPACE)?, Window::default());
        let db = Db::new(pools.clone(), Ids::new(stack::random()), dispatcher);
        let tenants: Vec<Uuid> = (0..setup.tenants).map(|_| Uuid::from(db.new_id::<TenantId>(clock::now()))).collect();
        let begun = observer.witness.book().now();
        let mix = Arc::new(Mix::new(tenants.clone(), observer.witness.clone()));
        let mut stage = Self {
            lanes: Lanes::connect(&servers.redis.url(), NAMESPACE)?,
            servers,
            scale,
            postgres,
            redis,
            observer,
            workers: Vec::new(),
            tenants,
            rules: Rules::default(),
            limits: HashMap::new(),
            blows: Vec::new(),
            begun,
            look,
            mix,
            feed: None,
            hands: None,
            db,
            pools,
            common,
            straight,
        };
        if let Some(most) = setup.limited {
            stage.limit_some(most).await?;
        }
        for (number, part) in setup.workers.iter().enumerate() {
            let witness = stage.observer.witness.clone();
            stage.workers.push(Worker::start(number, stage.common.clone(), part.clone(), witness)?);
        }
        stage.first_run(setup).await?;
        stage.begun = stage.observer.witness.book().now();
        let (told, accepted) = mpsc::unbounded_channel();
        let lanes = Lanes::connect(&stage.common.redis, NAMESPACE)?;
        let witness = stage.observer.witness.clone();
        stage.hands = Some(Hands::start(stage.db.clone(), lanes, witness, stage.mix.clone(), accepted));
        stage.feed = Some(Feed::start(stage.db.clone(), stage.load(setup, told), stage.look.clone()));
        Ok(stage)
    }

    /// One job for each worker, so that processes are up, plans are made and the queue is open before anything is measured.
    async fn first_run(&self, setup: &Setup) -> Result<()> {
        let load =
            Load { jobs: setup.workers.len(), rate: 1_000, make: self.warm_up(setup), off_by_s: &[0], told: None };
        let ids = Feed::start(self.db.clone(), load, self.look.clone()).end().await?.ids;
        let until = tokio::time::Instant::now() + Duration::from_secs(60);
        while self.observer.witness.book().done.len() < ids.len() {
            anyhow::ensure!(tokio::time::Instant::now() < until, "the workers do not work: see {:?}", self.common.logs);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Jobs that the oldest workers know.
    fn warm_up(&self, setup: &Setup) -> Make {
        let tenants = self.tenants.clone();
        let old = setup.workers.iter().any(|part| part.generation < 2);
        Arc::new(move |n, id| match old {
            true => JobRequest::new(id, tenants[n % tenants.len()], Old { work_ms: 1, act: Act::Work }).into(),
            false => plain(&tenants, n, id, Duration::from_millis(1), false),
        })
    }

    fn load(&self, setup: &Setup, told: mpsc::UnboundedSender<usize>) -> Load {
        let (tenants, work, mix) = (self.tenants.clone(), setup.work, self.mix.clone());
        let make: Make = match setup.make {
            Some(make) => Arc::new(move |n, id| mix.put_on(n, make(&tenants, n, id))),
            None => Arc::new(move |n, id| mix.put_on(n, plain(&tenants, n, id, work, true))),
        };
        Load { jobs: self.scale.jobs, rate: self.scale.rate, make, off_by_s: setup.off_by_s, told: Some(told) }
    }

    /// Waits until so much of the load is accepted, and some of it done: the pace of effects before the first blow is what
    /// full speed is measured by.
    ///
    /// # Errors
    /// A feeder that gave up, or effects that do not come.
    pub async fn until(&self, part: f64) -> Result<()> {
        let Some(feed) = &self.feed else { return Ok(()) };
        feed.until(part).await?;
        let until = self.now() + PACED_WITHIN;
        while self.done() < self.scale.jobs / PACED {
            anyhow::ensure!(self.now() < until, "no effects of the load: see {:?}", self.common.logs);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Effects of the load.
    fn done(&self) -> usize {
        let book = self.observer.witness.book();
        book.done.len() - book.done.partition_point(|done| *done < self.begun)
    }

    /// Jobs that are accepted and not done.
    pub fn backlog(&self) -> usize {
        self.feed.as_ref().map_or(0, Feed::accepted).saturating_sub(self.done())
    }

    /// Jobs of the load that are not done.
    pub fn left(&self) -> usize {
        self.scale.jobs.saturating_sub(self.done())
    }

    /// A blow begins; what it is, for whoever watches.
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

    /// The observer's clock.
    pub fn now(&self) -> Duration {
        self.observer.witness.book().now()
    }

    /// Waits until all of the load is accepted, and done to it what has to be done.
    ///
    /// # Errors
    /// A feeder that gave up.
    pub async fn fed(&mut self) -> Result<(Fed, HashMap<usize, Done>)> {
        let fed = self.feed.take().context("it was fed before")?.end().await?;
        let done = self.hands.take().context("it was fed before")?.end().await?;
        Ok((fed, done))
    }

    /// What the observer saw of the runs.
    pub fn runs(&self) -> Vec<Run> {
        self.observer.witness.book().runs.clone()
    }

    /// Ends the workers, as a deploy does.
    ///
    /// # Errors
    /// One that did not end well.
    pub async fn end_workers(&mut self) -> Result<()> {
        for worker in self.workers.drain(..) {
            worker.end().await?;
        }
        self.pools.close();
        self.straight.close();
        Ok(())
    }
}

/// A job that does its work; of the `flaky` ones, one in fifty fails at first.
pub fn plain(tenants: &[Uuid], n: usize, id: Uuid, work: Duration, flaky: bool) -> NewJob {
    let act = if flaky && n % 50 == 49 { Act::Flaky } else { Act::Work };
    let job = New { work_us: u64::try_from(work.as_micros()).unwrap_or(u64::MAX), act };
    JobRequest::new(id, tenants[n % tenants.len()], job).lane(lane(tenants, n)).into()
}

/// The lane of job number `n`.
pub fn lane(tenants: &[Uuid], n: usize) -> &'static str {
    if (n / tenants.len()).is_multiple_of(2) { LANE } else { "pa~s2" }
}
