//! Who runs beside whom in a process.
//!
//! A job that brings its process down (an abort, no memory) is lost together with all that ran beside it, and all of them
//! are counted a crash. Put back at once and claimed together again, they would fall three times in the same company, and
//! the innocent would become dead letters with the guilty. So a job whose next crash would be its last runs *alone* in
//! its process: then the crash was its own. While it waits for that it has not begun, and a worker that is lost
//! meanwhile is not counted against it ([`crash`](crate::ledger::crash::crash) asks whether it had begun).
//! Who runs for long is not waited for longer than [`PATIENCE`]: then it runs in company, and as nobody knows whose fault a
//! crash would be, that is an interruption. (Not for ever: after some of them it counts wherever it ran.)
//! The lock is the process's, not the backend's: it is processes that fall.

use std::time::Duration;

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Shared;
use super::inflight::RunId;
use crate::Envelope;
use crate::ledger::crash::{POISON, mark_running};

/// Runs in company read, a run that has to be alone writes.
static ROOM: RwLock<()> = RwLock::const_new(());

/// How long others are waited for, and nobody else begins.
const PATIENCE: Duration = Duration::from_secs(2);

/// A place in the process, kept while a job runs.
pub(super) enum Place {
    Company { _shared: RwLockReadGuard<'static, ()> },
    Alone { _whole: RwLockWriteGuard<'static, ()> },
}

impl Place {
    /// A place in company, if there is one at this moment.
    pub(super) fn at_once(job: &Envelope) -> Option<Self> {
        if is_last_chance(job) {
            return None;
        }
        ROOM.try_read().ok().map(|shared| Self::Company { _shared: shared })
    }

    /// The place that `job` has to have. Its run begins with it.
    pub(super) async fn take(shared: &Shared, job: &Envelope) -> Self {
        if !is_last_chance(job) {
            return Self::Company { _shared: ROOM.read().await };
        }
        match tokio::time::timeout(PATIENCE, ROOM.write()).await {
            Ok(whole) => {
                note_begin(shared, job).await;
                Self::Alone { _whole: whole }
            }
            Err(_) => {
                shared.inflight.leave_unmarked(RunId::of(job));
                Self::Company { _shared: ROOM.read().await }
            }
        }
    }
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
