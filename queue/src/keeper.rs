//! Dispatcher repair: brings into Redis what should be there, and back what was lost.
//!
//! Four duties about Redis, each idempotent: *promote* jobs that have become due; take back *expired* leases and count
//! the crash; *refill* lanes that were too full for their backlog; *audit*: compare the head of every lane in the
//! ledger with Redis, and refill where they differ. The audit alone would be enough for nothing to be lost (a push that
//! never happened, an emptied Redis, a crash anywhere between two steps); the others are faster. Five about the ledger,
//! each a probe of an index where there is nothing to do: *flow* (groups are counted, those who waited for an end are
//! let go), *cancel* of groups, *lapse* of what must not run any more, release of what a pause of its kind had
//! *parked*, and a slow walk to *tidy* up. And what Redis is told of beside jobs: by how much its clock is off, what
//! people decided, what providers stopped. A queue whose keys are spoilt is passed over, for it alone (`error.rs`). Any
//! number of processes may run keepers; a lock of a few seconds keeps all but one idle. It is no matter of correctness:
//! two at work would do things twice, and bring back a job that has just ended, whose second end changes nothing.

mod aside;
mod audit;
mod cancel;
mod controls;
mod error;
mod expire;
mod flow;
mod lapse;
mod pace;
mod parked;
mod parts;
mod promote;
mod refill;
mod skew;
mod stops;
mod tidy;
mod top;
mod weed;

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

pub use error::KeeperError;
use error::done_for;

use crate::Lanes;
use crate::context::LedgerPool;
use crate::lanes::Window;

/// How a keeper works.
#[derive(Debug, Clone)]
pub struct KeeperSettings {
    /// Who it is; new for each process.
    pub name: String,
    /// How much of a backlog Redis holds.
    pub window: Window,
    /// The workers' lease: after Redis was away, nobody's lease is ended before this has passed.
    pub lease: Duration,
    /// How long a keeper that vanished keeps the others idle.
    pub lock: Duration,
}

impl KeeperSettings {
    /// The usual settings.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            window: Window::default(),
            lease: Duration::from_secs(9),
            lock: Duration::from_secs(3),
        }
    }
}

/// See the module.
pub struct Keeper {
    lanes: Lanes,
    ledger: LedgerPool,
    settings: KeeperSettings,
    /// Who copies has it: of two at work the later could write what the earlier read.
    copies: Mutex<controls::Copies>,
}

/// How often the duties are done.
const TICK: Duration = Duration::from_millis(100);
const SLOW_TICK: Duration = Duration::from_secs(1);
const AUDIT_EVERY: Duration = Duration::from_secs(4);
/// An audit of ten thousand lanes takes a second or two: at most one part in so many of the time.
const AUDIT_SHARE: u32 = 5;

type LedgerConn = diesel_async::pooled_connection::deadpool::Object<diesel_async::AsyncPgConnection>;

impl Keeper {
    /// A keeper of all queues.
    #[must_use]
    pub const fn new(lanes: Lanes, ledger: LedgerPool, settings: KeeperSettings) -> Self {
        Self { lanes, ledger, settings, copies: Mutex::const_new(controls::Copies::new()) }
    }

    /// Works until `stop`. What people decide, jobs that become due, and lanes that run dry, are not kept waiting by the
    /// other duties.
    pub async fn run(self, stop: CancellationToken) {
        let (lead, led) = watch::channel(None);
        let work = async {
            tokio::join!(
                self.work(stop.clone(), lead),
                self.keep_promoted(led.clone(), stop.clone()),
                self.keep_filled(led.clone(), stop.clone())
            )
        };
        tokio::select! {
            _ = work => {}
            () = self.keep_controls(led.clone()) => {}
        }
    }

    /// Does all duties but three; tells of which queues they are done, and nothing while another keeper leads.
    async fn work(&self, stop: CancellationToken, lead: watch::Sender<Option<Vec<String>>>) {
        let mut state = Watch::default();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.let_go().await,
                _ = tick.tick() => {}
            }
            if let Err(error) = self.tick(&mut state).await {
                tracing::warn!(%error, "dispatcher repair waits");
                let published = std::mem::take(&mut state.published);
                state = Watch { calm_at: Some(Instant::now() + self.settings.lease), published, ..Watch::default() };
                tokio::time::sleep(SLOW_TICK).await;
            }
            lead.send_if_modified(|led| {
                let leads = state.leading.then_some(state.queues.as_slice());
                let changed = led.as_deref() != leads;
                if changed {
                    *led = leads.map(<[String]>::to_vec);
                }
                changed
            });
        }
    }

    /// All duties once, for tests.
    ///
    /// # Errors
    /// Redis or PostgreSQL is away.
    pub async fn sweep(&self) -> Result<(), KeeperError> {
        let mut conn = self.conn().await?;
        let mut state = Watch { queues: self.queues(&mut conn).await?, ..Watch::default() };
        for queue in &state.queues {
            self.lanes.end_forgetting(queue).await?;
        }
        self.compare_clocks(&mut conn, &mut state).await?;
        let place = &mut crate::ledger::promote::Place::default();
        while self.promote(&mut conn, place).await? {}
        while self.cancel_groups(&mut conn).await? {}
        self.lapse(&mut conn).await?;
        while self.flow(&mut conn).await? {}
        while self.release_parked(&mut conn, &mut state.parked).await? {}
        self.tidy(&mut conn, &mut tidy::Walk::default()).await?;
        for queue in state.queues {
            self.open_queue(&mut conn, &queue, false).await?;
            self.expire(&mut conn, &queue).await?;
            self.audit(&mut conn, &queue).await?;
            self.lanes.recount(&queue).await?;
            while self.refill(&mut pace::Paces::default(), &queue).await? == refill::Refilled::Took {}
        }
        Ok(())
    }

    async fn tick(&self, state: &mut Watch) -> Result<(), KeeperError> {
        if !self.lead(state).await? {
            return Ok(());
        }
        let mut conn = self.conn().await?;
        let slow = state.slow.is_none_or(|at| at.elapsed() >= SLOW_TICK);
        if slow {
            state.slow = Some(Instant::now());
            self.notice_restart(state).await?;
            state.queues = self.queues(&mut conn).await?;
            // First of all: nothing else goes on where something is half forgotten.
            for queue in &state.queues {
                done_for(queue, self.lanes.end_forgetting(queue).await)?;
            }
            self.compare_clocks(&mut conn, state).await?;
        }
        self.cancel_groups(&mut conn).await?;
        self.lapse(&mut conn).await?;
        if let Err(error) = self.flow(&mut conn).await {
            tracing::warn!(%error, "those who wait for others are let go later");
        }
        if slow {
            state.unparking = true;
            if let Err(error) = self.tidy(&mut conn, &mut state.walk).await {
                tracing::warn!(%error, "what is over is tidied up later");
            }
            // A worker that could not reach Redis could not renew: it gets time to do so.
            // So does everybody where Redis' clock was just moved: looked at once more, the duties above take their time.
            if state.calm_at.is_none_or(|at| Instant::now() > at) && !self.compare_clocks(&mut conn, state).await? {
                for queue in &state.queues {
                    done_for(queue, self.expire(&mut conn, queue).await)?;
                }
            }
        }
        if state.unparking {
            state.unparking = self.release_parked(&mut conn, &mut state.parked).await?;
        }
        let begun = Instant::now();
        let audit = state.audit_due.is_none_or(|due| begun >= due);
        let drain = std::mem::take(&mut state.restarted);
        for queue in state.queues.clone() {
            if state.spoilt.get(&queue).is_some_and(|at| at.elapsed() < SLOW_TICK) {
                continue;
            }
            match done_for(&queue, self.tend(&mut conn, state, &queue, Turn { slow, audit, drain }).await)? {
                Some(()) => state.spoilt.remove(&queue),
                None => state.spoilt.insert(queue, Instant::now()),
            };
        }
        if audit {
            if let Err(error) = aside::publish(&mut conn, &state.queues).await {
                tracing::warn!(%error, "what is set aside is told later");
            }
            state.published.extend(state.queues.iter().cloned());
            state.audit_due = Some(begun + AUDIT_EVERY.max(begun.elapsed() * AUDIT_SHARE));
        }
        Ok(())
    }

    /// What a queue needs at a tick: to be opened, to be audited.
    async fn tend(&self, conn: &mut LedgerConn, state: &mut Watch, queue: &str, turn: Turn) -> Result<(), KeeperError> {
        // Asked for each by itself: in one pipeline an answer that cannot be read would be that of all queues.
        let anew = turn.drain || self.lanes.is_closed(queue).await?;
        if anew {
            self.compare_clocks(conn, state).await?;
            self.correct(queue, state.ahead).await?;
            self.weed(conn, queue).await?;
            self.open_queue(conn, queue, turn.drain).await?;
        } else if turn.slow {
            self.note_stops(conn, state.stops.entry(queue.to_owned()).or_default(), queue).await?;
        }
        if anew || turn.audit {
            let audited = self.audit(conn, queue).await?;
            self.lanes.recount(queue).await?;
            // What people look at; the jobs do not wait for it.
            if let Err(error) = self.publish(conn, queue, audited).await {
                tracing::warn!(queue, %error, "the queue's figures are told later");
            }
            state.published.insert(queue.to_owned());
        }
        Ok(())
    }

    /// Whether this keeper has the lock; takes or renews it about once a second.
    async fn lead(&self, state: &mut Watch) -> Result<bool, KeeperError> {
        if state.locked.is_some_and(|at| at.elapsed() < SLOW_TICK) {
            return Ok(state.leading);
        }
        state.locked = Some(Instant::now());
        let led = state.leading;
        state.leading = self.lanes.lock("keeper", &self.settings.name, self.settings.lock).await?;
        if state.leading && !led {
            // Redis may have been away until now, and nobody who knows of it is left: the living renew every third of a lease.
            let calm_at = Instant::now() + self.settings.lease / 2;
            state.calm_at = Some(state.calm_at.map_or(calm_at, |at| at.max(calm_at)));
        }
        if !state.leading {
            std::mem::take(&mut state.published).iter().for_each(|queue| audit::withdraw(queue));
        }
        Ok(state.leading)
    }

    async fn let_go(&self) {
        if let Err(error) = self.lanes.unlock("keeper", &self.settings.name).await {
            tracing::debug!(%error, "keeper's lock not given back; it runs out");
        }
    }

    /// A restarted Redis may have lost its last second: everything is audited, nobody's lease ends yet.
    async fn notice_restart(&self, state: &mut Watch) -> Result<(), KeeperError> {
        let run_id = self.lanes.run_id().await?;
        if state.run_id.as_ref().is_some_and(|known| *known != run_id) {
            tracing::warn!("Redis was restarted; lanes are audited");
            state.restarted = true;
            state.calm_at = Some(Instant::now() + self.settings.lease);
        }
        if state.run_id.as_ref() != Some(&run_id) {
            for risk in self.lanes.risks().await? {
                tracing::warn!(risk, "this Redis is set up to lose what it was told");
            }
        }
        state.run_id = Some(run_id);
        Ok(())
    }

    async fn conn(&self) -> Result<LedgerConn, KeeperError> {
        self.ledger.get().await.map_err(|error| KeeperError::Pool(error.to_string()))
    }

    /// The queues that anything is to be done for: those with waiting jobs, and those Redis knows.
    async fn queues(&self, conn: &mut LedgerConn) -> Result<Vec<String>, KeeperError> {
        let mut names = crate::ledger::refill::queues(conn).await?;
        names.extend(self.lanes.known_queues().await?);
        names.sort_unstable();
        names.dedup();
        self.lanes.know_queues(&names).await?;
        Ok(names)
    }
}

/// A tick, as a queue has it.
#[derive(Clone, Copy)]
struct Turn {
    /// A second has passed.
    slow: bool,
    /// An audit is due.
    audit: bool,
    /// Redis may have forgotten something.
    drain: bool,
}

/// What a keeper remembers between ticks.
#[derive(Default)]
struct Watch {
    leading: bool,
    locked: Option<Instant>,
    /// Until when nobody's lease is ended, since Redis or PostgreSQL was away, or may have been.
    calm_at: Option<Instant>,
    slow: Option<Instant>,
    audit_due: Option<Instant>,
    run_id: Option<String>,
    restarted: bool,
    /// By how much Redis' clock is ahead, as the queues were told.
    ahead: Option<skew::Ahead>,
    queues: Vec<String>,
    /// There may be jobs to be let go that no pause holds any more.
    unparking: bool,
    /// Whose turn it is among them.
    parked: crate::ledger::hold::Place,
    /// Since when something could not be done for these queues.
    spoilt: HashMap<String, Instant>,
    /// What the ledger knows that providers stopped.
    stops: HashMap<String, stops::Noted>,
    walk: tidy::Walk,
    /// Whose gauges were set here, and are another's to set once another leads.
    published: BTreeSet<String>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("settings", &self.settings).finish_non_exhaustive()
    }
}
