//! The model: what waits, who runs what, what is set on which key, as one would say it in a sentence.

use std::collections::{BTreeMap, BTreeSet};

use patchbay_queue::{Envelope, LaneName};
use uuid::Uuid;

use super::gates::Gate;
use crate::bare::{key, shared};

#[derive(Debug, Clone)]
pub struct Run {
    pub job: Envelope,
    /// When the lease runs out.
    pub until: i64,
    /// Its job is over: a worker renewed it after its word of the end.
    pub ended: bool,
}

/// A job's place in its lane.
pub type Place = (i64, String);

#[derive(Default)]
pub struct Model {
    /// What waits, by lane and in its order, whether Redis has it or only the ledger.
    pub waiting: BTreeMap<LaneName, BTreeMap<Place, Envelope>>,
    /// What holds a lease.
    pub running: BTreeMap<Uuid, Run>,
    /// What a worker runs whose lease Redis has forgotten.
    pub astray: BTreeMap<Uuid, Envelope>,
    /// What somebody wants cancelled that ran.
    pub cancelled: BTreeSet<Uuid>,
    /// What is held in the ledger.
    pub held: BTreeMap<Uuid, Envelope>,
    /// Runs whose tokens hold no more.
    pub late: Vec<Envelope>,
    pub gates: BTreeMap<LaneName, Gate>,
    /// Until when nobody knows who runs.
    pub settles: i64,
    /// Redis knows no limits and pauses.
    pub closed: bool,
}

pub fn lane_of(job: &Envelope) -> LaneName {
    key(job.header.tenant, &job.header.lane)
}

pub fn place_of(job: &Envelope) -> Place {
    (job.score(), job.id.to_string())
}

/// The keys of a lane, said another way than the scripts say it.
pub fn keys_of(lane: &LaneName) -> BTreeSet<LaneName> {
    let mut keys = BTreeSet::from([shared(""), key(lane.tenant, "")]);
    let mut prefix = String::new();
    for segment in lane.lane.split('~').filter(|segment| !segment.is_empty()) {
        prefix = if prefix.is_empty() { segment.to_owned() } else { format!("{prefix}~{segment}") };
        keys.extend([key(lane.tenant, &prefix), shared(&prefix)]);
    }
    keys
}

fn nth<T>(all: impl Iterator<Item = T>, n: usize) -> Option<T> {
    let mut all: Vec<T> = all.collect();
    (!all.is_empty()).then(|| all.swap_remove(n % all.len()))
}

impl Model {
    pub fn wait(&mut self, job: Envelope) {
        self.waiting.entry(lane_of(&job)).or_default().insert(place_of(&job), job);
    }

    pub fn take_out(&mut self, job: &Envelope) -> Option<Envelope> {
        self.cancelled.remove(&job.id);
        self.waiting.get_mut(&lane_of(job))?.remove(&place_of(job))
    }

    pub fn all_waiting(&self) -> impl Iterator<Item = &Envelope> {
        self.waiting.values().flat_map(BTreeMap::values)
    }

    pub fn nth_running(&self, n: usize) -> Option<Run> {
        nth(self.running.values(), n).cloned()
    }

    pub fn nth_waiting(&self, n: usize) -> Option<Envelope> {
        nth(self.all_waiting(), n).cloned()
    }

    pub fn nth_held(&self, n: usize) -> Option<Envelope> {
        nth(self.held.values(), n).cloned()
    }

    pub fn nth_late(&self, n: usize) -> Option<Envelope> {
        nth(self.late.iter(), n).cloned()
    }

    pub fn gate(&mut self, key: &LaneName) -> &mut Gate {
        self.gates.entry(key.clone()).or_default()
    }

    pub fn gates_of(&self, lane: &LaneName) -> impl Iterator<Item = (LaneName, &Gate)> {
        keys_of(lane).into_iter().filter_map(|key| self.gates.get(&key).map(|gate| (key, gate)))
    }

    /// Its lease is over. Whoever waits for it to try a breaker is told nothing, and looks again.
    pub fn end(&mut self, id: Uuid) -> Run {
        let run = self.running.remove(&id).expect("it runs");
        self.late.push(run.job.clone());
        for gate in self.gates.values_mut() {
            gate.lags |= gate.open.is_some_and(|open| open.probe == Some(id));
        }
        run
    }

    fn running_under(&self, limited: &LaneName) -> usize {
        self.running.values().filter(|run| keys_of(&lane_of(&run.job)).contains(limited)).count()
    }

    /// Whether all that may run there runs.
    fn is_taken(&self, key: &LaneName, gate: &Gate, now: i64) -> bool {
        gate.most.is_some_and(|most| now < self.settles || self.running_under(key) >= usize::try_from(most).unwrap())
    }

    /// Whether somebody tries already if its breaker can close.
    pub fn is_tried(&self, gate: &Gate) -> bool {
        gate.open.and_then(|open| open.probe).is_some_and(|probe| self.running.contains_key(&probe))
    }

    /// Whether a job of this cost may start in a lane.
    pub fn is_open(&self, lane: &LaneName, cost: i64, now: i64) -> bool {
        !self.closed
            && self.gates_of(lane).all(|(key, gate)| {
                gate.shut_until(now) <= now
                    && gate.affords(cost, now) <= now
                    && !self.is_taken(&key, gate, now)
                    && !self.is_tried(gate)
            })
    }

    /// Takes note of a job that was handed out.
    pub fn take(&mut self, job: &Envelope, now: i64, lease: i64) {
        let lane = lane_of(job);
        let cost = i64::from(job.cost);
        assert!(self.is_open(&lane, cost, now), "{lane:?} is shut: {:?}", self.gates_of(&lane).collect::<Vec<_>>());
        let jobs = self.waiting.get_mut(&lane).expect("something waits");
        let (_, first) = jobs.pop_first().expect("something waits");
        assert_eq!(first.id, job.id, "the first of its lane");
        self.charge(&lane, cost, Some(job.id), now);
        let run = Run { job: job.clone(), until: now + lease, ended: false };
        assert!(self.running.insert(job.id, run).is_none(), "nobody runs it");
    }

    /// Takes from every bucket of a lane; `by` tries the breakers that are to be tried.
    pub fn charge(&mut self, lane: &LaneName, units: i64, by: Option<Uuid>, now: i64) {
        for key in keys_of(lane) {
            let Some(gate) = self.gates.get_mut(&key) else { continue };
            gate.charge(units, now);
            if let (Some(open), Some(by)) = (gate.open.as_mut(), by) {
                open.probe = Some(by);
            }
        }
    }

    /// Keeps buckets for jobs that are too dear for what is in them: nobody who comes later may overtake them.
    pub fn keep_for_the_dear(&mut self, now: i64) {
        let mut kept = Vec::new();
        for (lane, jobs) in &self.waiting {
            let Some(first) = jobs.values().next() else { continue };
            let ends = self.gates_of(lane).map(|(_, gate)| gate.shut_until(now)).max().unwrap_or(now);
            for (key, gate) in self.gates_of(lane) {
                let at = gate.affords(i64::from(first.cost), now);
                // Who stops all of a tenant, or all, does so first.
                if at > now && (at >= ends || key.lane.is_empty()) {
                    kept.push((key, at));
                }
            }
        }
        for (key, at) in kept {
            let gate = self.gate(&key);
            gate.kept = gate.kept.max(at);
        }
    }

    /// Lanes whose first job may run, that wait for nobody and yet do not run.
    pub fn left(&self, now: i64) -> Vec<LaneName> {
        let may_run = |(lane, jobs): &(&LaneName, &BTreeMap<Place, Envelope>)| {
            jobs.values().next().is_some_and(|first| self.is_open(lane, i64::from(first.cost), now))
                && self.gates_of(lane).all(|(_, gate)| gate.kept <= now && !gate.lags)
        };
        self.waiting.iter().filter(may_run).map(|(lane, _)| lane.clone()).collect()
    }

    /// What a lane's buckets give a job that runs: as much of `want` as there is.
    pub fn tokens(&self, lane: &LaneName, want: i64, asking: Option<Uuid>, now: i64) -> i64 {
        let stopped = |gate: &Gate| {
            let is_own = asking.is_some() && gate.open.and_then(|open| open.probe) == asking;
            gate.stopped_until(now) > now || (self.is_tried(gate) && !is_own)
        };
        if self.closed || self.gates_of(lane).any(|(_, gate)| stopped(gate)) {
            return 0;
        }
        self.gates_of(lane).map(|(_, gate)| gate.left(now)).fold(want, i64::min)
    }

    /// Redis has forgotten everything.
    pub fn flush(&mut self) {
        self.closed = true;
        self.cancelled.clear();
        self.gates.values_mut().for_each(Gate::forget);
        let lost = std::mem::take(&mut self.running).into_values();
        self.astray.extend(lost.filter(|run| !run.ended).map(|run| (run.job.id, run.job)));
    }

    /// The queue is opened after something was forgotten: whoever runs has a while to say so.
    pub fn opened(&mut self, now: i64, settles: i64) {
        (self.closed, self.settles) = (false, settles);
        self.gates.values_mut().for_each(|gate| gate.drain(now));
    }

    /// What the ledger has of each lane that is not over and not held, in order: what runs counts among it.
    pub fn ledger(&self) -> BTreeMap<LaneName, BTreeMap<Place, Envelope>> {
        let mut all = self.waiting.clone();
        let running = self.running.values().filter(|run| !run.ended).map(|run| &run.job);
        for job in running.chain(self.astray.values()) {
            all.entry(lane_of(job)).or_default().insert(place_of(job), job.clone());
        }
        all.retain(|_, jobs| !jobs.is_empty());
        all
    }
}
