//! Who runs beside whom in a process.
//!
//! A job that brings its process down (an abort, no memory) is lost together with all that ran beside it, and all of them
//! are counted a crash. Put back at once and claimed together again, they would fall three times in the same company, and
//! the innocent would become dead letters with the guilty. So a job whose next crash would be its last runs *alone* in
//! its process: then the crash was its own. While it waits for that it has not begun, and a worker that is lost
//! meanwhile is not counted against it ([`crash`](crate::ledger::crash::crash) asks whether it had begun).
//! What is claimed already and cannot begin meanwhile goes back to its lane for other processes, and no more is claimed: it
//! would take places from them where running jobs are limited.
//! Who runs for long is not waited for longer than [`PATIENCE`]: then it runs in company, and as nobody knows whose fault a
//! crash would be, that is an interruption. (Not for ever: after some of them it counts wherever it ran.) As nobody else
//! begins while one waits, nobody does so again soon after one waited in vain ([`AGAIN`]), nor beside a run that nobody asks
//! for any more and that goes on, which may never end ([`Ghost`]). One that was alone when it was given up lets the others in
//! all the same: a process in which nothing may begin is lost for certain, one with a thread that spins only perhaps.
//! The lock is the process's, not the backend's: it is processes that fall.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, watch};

use super::Shared;
use super::inflight::RunId;
use crate::Envelope;
use crate::ledger::crash::{POISON, mark_running};

/// Runs in company read, a run that has to be alone writes.
static ROOM: RwLock<()> = RwLock::const_new(());

/// How long others are waited for, and nobody else begins.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long after one began to wait, and did so in vain, nobody waits: those who do in vain keep the others from beginning
/// for a tenth of the time at most.
const AGAIN: Duration = Duration::from_secs(20);
/// Since when somebody waits, or did so in vain.
static WAITS: Mutex<Option<Instant>> = Mutex::new(None);

/// For how long what is claimed waits to begin, before it goes back. Most who have to be alone are innocent, and soon over.
const BRIEF: Duration = Duration::from_millis(200);

/// How many are alone, or wait for it.
static ALONE: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// One of them.
pub(super) struct Wants(());

impl Wants {
    fn to_be_alone() -> Self {
        ALONE.send_modify(|count| *count += 1);
        Self(())
    }
}

impl Drop for Wants {
    fn drop(&mut self) {
        ALONE.send_modify(|count| *count -= 1);
    }
}

/// Whether what is claimed can begin.
pub(super) fn is_open() -> bool {
    *ALONE.borrow() == 0
}

/// Resolves when it can.
pub(super) async fn opened() {
    let mut alone = ALONE.subscribe();
    let _open = alone.wait_for(|count| *count == 0).await.expect("the sender lives as long as the process");
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
    Alone { _whole: RwLockWriteGuard<'static, ()>, _wants: Wants },
}

impl Place {
    /// A place in company, if there is one at this moment.
    pub(super) fn at_once(job: &Envelope) -> Option<Self> {
        if is_last_chance(job) {
            return None;
        }
        ROOM.try_read().ok().map(|shared| Self::Company { _shared: shared })
    }

    /// The place that `job` has to have. Its run begins with it; none: it cannot begin here soon.
    pub(super) async fn take(shared: &Shared, job: &Envelope) -> Option<Self> {
        if is_last_chance(job) {
            if let Some((whole, wants)) = whole_room().await {
                note_begin(shared, job).await;
                return Some(Self::Alone { _whole: whole, _wants: wants });
            }
            shared.inflight.leave_unmarked(RunId::of(job));
        }
        let company = tokio::time::timeout(BRIEF, ROOM.read()).await.ok()?;
        Some(Self::Company { _shared: company })
    }
}

/// The room without anybody else in it, if that is to be had soon.
async fn whole_room() -> Option<(RwLockWriteGuard<'static, ()>, Wants)> {
    let haunted = || GHOSTS.load(Ordering::SeqCst) > 0;
    if haunted() {
        return None;
    }
    let (until, wants) = (wait_until()?, Wants::to_be_alone());
    let whole = tokio::time::timeout_at(until.into(), ROOM.write()).await.ok()?;
    waits().take();
    (!haunted()).then_some((whole, wants))
}

fn waits() -> MutexGuard<'static, Option<Instant>> {
    WAITS.lock().expect("no holder of this lock can panic")
}

/// Until when one may wait who begins to now: as long as those who wait already. None: somebody has just waited in vain.
fn wait_until() -> Option<Instant> {
    let mut waits = waits();
    let since = waits.filter(|since| since.elapsed() < AGAIN).unwrap_or_else(Instant::now);
    waits.replace(since);
    Some(since + PATIENCE).filter(|until| Instant::now() < *until)
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

/// Notes in the ledger that the run begins, so that its crash counts. Where the ledger does not hear it, the crash that
/// may follow is not counted, and the job gets another last chance.
async fn note_begin(shared: &Shared, job: &Envelope) {
    let noted = async {
        let mut conn = shared.ledger.get().await.map_err(|error| error.to_string())?;
        let begun = (job.header.tenant, job.id, shared.settings.clock.now());
        mark_running(&mut conn, &shared.settings.worker, &[begun]).await.map_err(|error| error.to_string())
    };
    if let Err(error) = noted.await {
        tracing::warn!(queue = shared.queue, job = %job.id, %error, "the begin of a last chance was not noted");
    }
}
