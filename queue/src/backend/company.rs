//! Who runs beside whom in a process.
//!
//! A job that brings its process down (an abort, no memory) is lost together with all that ran beside it, and all of them
//! are counted a crash. Put back at once and claimed together again, they would fall three times in the same company, the
//! innocent would become dead letters with the guilty, and each time a process's whole hand would wait for its leases to
//! end. So a job whose worker vanished (a *suspect*), and one whose next crash would be its last whatever the others were, run
//! *alone* in their process, where they can: nobody who runs falls with them. (What was claimed with them and waits still
//! does.) The begin of a last chance that is alone is noted in the ledger: then the crash is its own. While it waits it has not
//! begun, and a worker that is lost meanwhile is not counted against it ([`crash`](crate::ledger::crash::crash) asks whether
//! it had begun).
//!
//! While one is alone, or waits for it, the process is *closed*: nobody else begins. What is claimed already goes back to its
//! lane for other processes, and no more is claimed: it would take places from them where running jobs are limited. Suspects
//! keep it closed for a tenth of the time at most ([`SHARE`]), of which a part is left to last chances; one of those is alone
//! for longer ([`LAST_CHANCE`]), and none is for a while after it. Who finds no time left, or waits longer than there is, runs in
//! company, and whoever waited in vain has taught the process that those who run take long: the next waits until more time
//! is saved up, or all of it would be spent in pieces too short for anybody. Who has been alone for long goes on as company.
//! A run that nobody asks for any more and that goes on, perhaps for ever ([`Ghost`]), is not waited for, and is company all
//! the same. As nobody knows whose fault a crash in company is, that of a last chance is an interruption there. (Not for
//! ever: after a few such falls it counts wherever it ran.) One that was alone when it was given up lets the others in all the
//! same: a process in which nothing may begin is lost for certain, one with a thread that spins only perhaps.
//! Rejected: only last chances alone, as it was: a job that aborts took two processes' hands with it, and all that was limited
//! stood still until their leases had ended.
//! The lock is the process's, not the backend's: it is processes that fall.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, watch};

use super::Shared;
use super::inflight::RunId;
use crate::Envelope;
use crate::ledger::crash::{Begun, POISON, forget_begin, mark_running};

/// Runs in company read, a run that has to be alone writes.
static ROOM: RwLock<()> = RwLock::const_new(());

/// For how long what is claimed waits to begin, before it goes back. Most who have to be alone are innocent, and soon over.
const BRIEF: Duration = Duration::from_millis(200);

/// A process may be closed for one part in so many of the time,
const SHARE: i32 = 10;
/// and for so many seconds at a time. What a last chance takes beyond is made up for up to as much.
const AT_ONCE: TimeDelta = TimeDelta::seconds(2);
/// What is saved up at most: suspects leave the half to last chances.
const SAVED: TimeDelta = TimeDelta::seconds(4);

/// For how long the process waits, closed, for the ledger to note a begin.
const NOTED: Duration = Duration::from_secs(1);

/// For how long a last chance is alone: what brings a process down does so soon.
const LAST_CHANCE: Duration = Duration::from_secs(10);

static DOOR: LazyLock<watch::Sender<Door>> = LazyLock::new(|| watch::Sender::new(Door::at(Instant::now())));

/// Whether anybody may begin.
#[derive(Debug)]
struct Door {
    /// Who keep it closed.
    closed_by: usize,
    /// For how long it may be closed yet.
    left: TimeDelta,
    /// Whether somebody waited in vain for those who run to end: it is worth it only for longer then.
    in_vain: bool,
    as_of: Instant,
}

impl Door {
    const fn at(now: Instant) -> Self {
        Self { closed_by: 0, left: SAVED, in_vain: false, as_of: now }
    }

    const fn is_open(&self) -> bool {
        self.closed_by == 0
    }

    /// Takes account of the time that has passed.
    fn pass(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.as_of);
        let passed = TimeDelta::from_std(passed).unwrap_or(SAVED * SHARE * SHARE);
        let left = if self.is_open() { self.left + passed / SHARE } else { self.left - passed };
        self.left = left.clamp(-AT_ONCE, SAVED);
        self.as_of = now;
    }

    /// Until when it may be closed for a suspect, or for a last chance; none where that is not worth it.
    fn until(&self, is_last: bool) -> Option<Instant> {
        let left = if is_last { self.left } else { self.left - (SAVED - AT_ONCE) };
        if self.in_vain && left < AT_ONCE {
            return None;
        }
        left.to_std().ok().filter(|left| *left >= BRIEF).map(|left| self.as_of + left)
    }
}

/// Keeps the process closed.
struct Closed {
    /// When its time is over.
    until: Instant,
}

impl Closed {
    fn now(is_last: bool) -> Option<Self> {
        let (now, mut closed) = (Instant::now(), None);
        DOOR.send_if_modified(|door| {
            door.pass(now);
            closed = door.until(is_last).map(|until| Self { until });
            door.closed_by += usize::from(closed.is_some());
            closed.is_some()
        });
        closed
    }

    /// Remembers whether those who ran ended in time.
    fn learn(&self, in_time: bool) {
        DOOR.send_if_modified(|door| {
            door.in_vain = !in_time;
            false
        });
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        DOOR.send_modify(|door| {
            door.pass(Instant::now());
            door.closed_by -= 1;
        });
    }
}

/// Whether what is claimed can begin.
pub(super) fn is_open() -> bool {
    DOOR.borrow().is_open()
}

/// Resolves when it can.
pub(super) async fn opened() {
    let mut door = DOOR.subscribe();
    let _open = door.wait_for(Door::is_open).await.expect("the sender lives as long as the process");
}

/// Runs of this process that were given up, or whose lease was lost, and that go on.
static GHOSTS: AtomicUsize = AtomicUsize::new(0);

/// One of them, until it ends.
pub(super) struct Ghost(());

impl Ghost {
    pub(super) fn walks() -> Self {
        GHOSTS.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Ghost {
    fn drop(&mut self) {
        GHOSTS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A place in the process, kept while a job runs.
pub(super) enum Place {
    Company { _shared: RwLockReadGuard<'static, ()> },
    Alone(Alone),
}

/// The whole of it.
pub(super) struct Alone {
    whole: RwLockWriteGuard<'static, ()>,
    _closed: Closed,
    /// When others may begin.
    pub until: Instant,
    /// Whether its begin was noted, as that of a last chance.
    pub is_noted: bool,
}

impl Alone {
    /// Lets others in.
    pub(super) fn into_company(self) -> Place {
        Place::Company { _shared: self.whole.downgrade() }
    }
}

impl Place {
    /// A place in company, if there is one at this moment.
    pub(super) fn at_once(job: &Envelope) -> Option<Self> {
        if has_to_be_alone(job) {
            return None;
        }
        ROOM.try_read().ok().map(|shared| Self::Company { _shared: shared })
    }

    /// The place that `job` has to have. Its run begins with it; none: it cannot begin here soon.
    pub(super) async fn take(shared: &Shared, job: &Envelope) -> Option<Self> {
        let whole = if has_to_be_alone(job) { whole_room(is_last_chance(job)).await } else { None };
        // Beside a ghost nobody is quite alone.
        let is_noted = whole.is_some() && is_last_chance(job) && GHOSTS.load(Ordering::SeqCst) == 0;
        if is_noted {
            note_begin(shared, job).await;
        } else if is_last_chance(job) {
            shared.inflight.leave_unmarked(RunId::of(job));
        }
        if let Some((whole, closed)) = whole {
            let until = if is_noted { Instant::now() + LAST_CHANCE } else { closed.until };
            return Some(Self::Alone(Alone { whole, _closed: closed, until, is_noted }));
        }
        let company = tokio::time::timeout(BRIEF, ROOM.read()).await.ok()?;
        Some(Self::Company { _shared: company })
    }
}

/// The room without anybody else in it, if that is to be had soon.
async fn whole_room(is_last: bool) -> Option<(RwLockWriteGuard<'static, ()>, Closed)> {
    let closed = Closed::now(is_last)?;
    let whole = tokio::time::timeout_at(closed.until.into(), ROOM.write()).await.ok();
    closed.learn(whole.is_some());
    Some((whole?, closed))
}

/// The same note for a plain handler, which has no place to take: its last chance is in company.
pub(super) async fn note_plain(shared: &Shared, job: &Envelope) {
    if is_last_chance(job) && shared.kinds.get().is_none() {
        note_begin(shared, job).await;
    }
}

const fn is_last_chance(job: &Envelope) -> bool {
    job.header.crashes + 1 >= POISON
}

const fn has_to_be_alone(job: &Envelope) -> bool {
    job.header.suspect || is_last_chance(job)
}

/// Notes in the ledger that the run begins, so that its crash counts. Where the ledger does not hear it, the crash that
/// may follow is not counted, and the job gets another last chance.
async fn note_begin(shared: &Shared, job: &Envelope) {
    let noted = async {
        let mut conn = shared.ledger.get().await.map_err(|error| error.to_string())?;
        let since = shared.settings.clock.now();
        let begun = Begun { tenant: job.header.tenant, id: job.id, token: job.token, since };
        mark_running(&mut conn, &shared.settings.worker, &[begun]).await.map_err(|error| error.to_string())
    };
    let noted = tokio::time::timeout(NOTED, noted).await.unwrap_or_else(|_| Err("the ledger is slow".to_owned()));
    if let Err(error) = noted {
        tracing::warn!(queue = shared.queue, job = %job.id, %error, "the begin of a last chance was not noted");
    }
}

/// Lets others begin beside those that have been alone for as long as they may. A last chance among them is no last chance
/// any more: whose fault a crash is would not be known.
pub(super) async fn let_others_in(shared: &Shared) {
    let (noted, plain): (Vec<_>, Vec<_>) =
        shared.inflight.alone_since_long(Instant::now()).into_iter().partition(|run| run.is_noted);
    plain.iter().for_each(|run| shared.inflight.let_others_in(run.id));
    if noted.is_empty() {
        return;
    }
    let jobs: Vec<_> = noted.iter().map(|run| (run.tenant, run.id.job)).collect();
    let forgotten = async {
        let mut conn = shared.ledger.get().await.map_err(|error| error.to_string())?;
        forget_begin(&mut conn, &shared.settings.worker, &jobs).await.map_err(|error| error.to_string())
    };
    match forgotten.await {
        Ok(()) => noted.iter().for_each(|run| shared.inflight.let_others_in(run.id)),
        Err(error) => tracing::warn!(queue = shared.queue, %error, "others wait on for a last chance to end"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_closed_for_a_tenth_of_the_time() {
        let begun = Instant::now();
        let after = |ms| begun + Duration::from_millis(ms);
        let mut door = Door::at(begun);
        door.pass(after(60_000));
        assert_eq!(door.left, SAVED, "it saves up no more than that");
        assert_eq!(door.until(false), Some(after(62_000)), "the rest is for last chances");
        door.closed_by = 1;
        door.pass(after(60_500));
        assert_eq!(door.left, TimeDelta::milliseconds(3_500));
        assert_eq!((door.until(false), door.until(true)), (Some(after(62_000)), Some(after(64_000))));
        door.pass(after(63_000));
        assert_eq!((door.until(false), door.until(true)), (None, Some(after(64_000))));
        door.pass(after(65_000));
        assert_eq!((door.left, door.until(true)), (TimeDelta::seconds(-1), None), "it was closed for too long");
        door.pass(after(90_000));
        assert_eq!(door.left, -AT_ONCE, "a last chance was alone for longer");
        door.closed_by = 0;
        door.pass(after(110_000));
        assert_eq!(door.until(true), None);
        door.pass(after(112_000));
        assert_eq!((door.until(false), door.until(true)), (None, Some(after(112_200))));
        door.pass(after(132_000));
        assert_eq!(door.until(false), Some(after(132_200)));
    }

    #[test]
    fn who_waited_in_vain_makes_the_next_wait_until_more_is_saved_up() {
        let begun = Instant::now();
        let mut door = Door::at(begun);
        door.in_vain = true;
        door.pass(begun);
        assert!(door.until(false).is_some());
        door.left -= TimeDelta::milliseconds(1);
        assert!(door.until(false).is_none(), "not in pieces that are too short");
        assert!(door.until(true).is_some());
    }
}
