//! What others see of the runs: the list of workers, the ledger's marks, the watchdog.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Entry, Inflight, Phase, RunId};
use crate::backend::company::Place;
use crate::backend::threads::HOLDS;
use crate::lanes::LaneName;
use crate::ledger::crash::Begun;

/// A job as a list of workers shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningJob {
    /// The job.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// Its lane.
    pub lane: LaneName,
    /// Since when this process has it.
    pub since: DateTime<Utc>,
}

/// A run that has been alone for as long as it may.
pub(in crate::backend) struct LongAlone {
    pub id: RunId,
    pub tenant: Uuid,
    /// Whether its begin was noted, as that of a last chance.
    pub is_noted: bool,
}

impl Inflight {
    /// The ledger is not to hear that it runs: its crash would count.
    pub(in crate::backend) fn leave_unmarked(&self, run: RunId) {
        if let Some(entry) = self.state().runs.get_mut(&run) {
            entry.marked = true;
        }
    }

    /// The runs that have been alone for as long as they may.
    pub(in crate::backend) fn alone_since_long(&self, now: Instant) -> Vec<LongAlone> {
        let long = |(id, entry): (&RunId, &Entry)| {
            let Some(Place::Alone(alone)) = &entry.place else { return None };
            (alone.until <= now).then_some(LongAlone { id: *id, tenant: entry.lane.tenant, is_noted: alone.is_noted })
        };
        self.state().runs.iter().filter_map(long).collect()
    }

    /// It goes on in company.
    pub(in crate::backend) fn let_others_in(&self, run: RunId) {
        if let Some(entry) = self.state().runs.get_mut(&run) {
            entry.place = entry.place.take().map(|place| match place {
                Place::Alone(alone) => alone.into_company(),
                company @ Place::Company { .. } => company,
            });
        }
    }

    /// Jobs that began before `before` and are not marked in the ledger yet; marks them here.
    pub(in crate::backend) fn take_unmarked(&self, before: DateTime<Utc>) -> Vec<Begun> {
        self.state()
            .runs
            .iter_mut()
            .filter(|(_, entry)| !entry.marked && matches!(entry.phase, Phase::Running(_)) && entry.claimed < before)
            .map(|(run, entry)| {
                entry.marked = true;
                Begun { tenant: entry.lane.tenant, id: run.job, token: run.token, since: entry.claimed }
            })
            .collect()
    }

    /// How long the oldest outcome has not been written.
    pub(in crate::backend) fn unwritten_for(&self) -> Duration {
        self.oldest(|phase| if let Phase::Ended { since } = phase { Some(*since) } else { None })
    }

    /// How long the oldest run that was given up has gone on since.
    pub(in crate::backend) fn haunted_for(&self) -> Duration {
        self.oldest(|phase| if let Phase::Ghost { since } = phase { Some(*since) } else { None })
    }

    /// The kinds of which a run holds its thread.
    pub(in crate::backend) fn holding(&self) -> Vec<String> {
        let holds = |phase: &Phase| matches!(phase, Phase::Running(run) if run.polling.lasts() > HOLDS);
        self.state().runs.values().filter(|entry| holds(&entry.phase)).map(|entry| entry.kind.clone()).collect()
    }

    fn oldest(&self, since: impl Fn(&Phase) -> Option<Instant>) -> Duration {
        let first = self.state().runs.values().filter_map(|entry| since(&entry.phase)).min();
        first.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// What runs now.
    #[must_use]
    pub fn running(&self) -> Vec<RunningJob> {
        let state = self.state();
        state.runs.iter().filter(|(_, entry)| entry.slot.is_some()).map(|(run, entry)| shown(*run, entry)).collect()
    }
}

/// A run as a list of workers shows it.
pub(super) fn shown(run: RunId, entry: &Entry) -> RunningJob {
    RunningJob { id: run.job, kind: entry.kind.clone(), lane: entry.lane.clone(), since: entry.claimed }
}
