//! The model: rows in memory, and what follows from what, as one would say it in a sentence.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::GROUPS;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    pub on: Target,
    pub any_end: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Job(usize),
    Group(usize),
}

#[derive(Debug, Clone)]
pub struct ModelJob {
    pub id: Uuid,
    pub state: &'static str,
    pub by: Option<&'static str>,
    pub ties: Vec<Tie>,
    pub group: Option<usize>,
    pub key: Option<usize>,
    pub errors: i16,
    pub crashes: i16,
    pub fence: i64,
    pub generation: i32,
    /// The token and the payload of the run under way.
    pub run: Option<(i64, i32)>,
    pub lost: Option<(i64, i32)>,
    pub cancel: bool,
    pub lapses: bool,
}

impl ModelJob {
    pub fn pending(&self) -> bool {
        matches!(self.state, "scheduled" | "waiting" | "held")
    }

    pub fn ends_well(&self) -> bool {
        matches!(self.state, "succeeded" | "cancelled" | "discarded")
    }
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ModelGroup {
    pub sealed: bool,
    /// As of the last fold: whether it ended, and whether one failed.
    pub ended: bool,
    pub failed: bool,
}

#[derive(Default)]
pub struct Model {
    pub jobs: Vec<ModelJob>,
    pub groups: [ModelGroup; GROUPS],
    pub tails: BTreeMap<usize, usize>,
    /// The row of a key: its holder, and who follows.
    pub keys: BTreeMap<usize, (usize, Option<usize>)>,
    pub token: i64,
}

impl Model {
    pub fn pick(&self, n: usize) -> Option<usize> {
        (!self.jobs.is_empty()).then(|| n % self.jobs.len())
    }

    pub fn next_token(&mut self) -> i64 {
        self.token += 1;
        self.token
    }

    pub fn is_over(&self, tie: &Tie) -> bool {
        match tie.on {
            Target::Job(on) => {
                let on = &self.jobs[on];
                on.ties.is_empty() && (on.ends_well() || (on.state == "dead" && tie.any_end))
            }
            Target::Group(on) => self.groups[on].ended && (!self.groups[on].failed || tie.any_end),
        }
    }

    pub fn end(&mut self, job: usize, state: &'static str) {
        self.jobs[job].state = state;
        self.jobs[job].by = None;
        if let Some(key) = self.jobs[job].key
            && self.keys.get(&key) == Some(&(job, None))
        {
            self.keys.remove(&key);
        }
    }

    /// What the keeper does: folds, promotes, lets go.
    pub fn follow(&mut self) {
        for (n, group) in self.groups.iter_mut().enumerate() {
            let members = || self.jobs.iter().filter(|job| job.group == Some(n));
            group.ended = group.sealed && members().all(|job| !job.pending());
            group.failed = members().any(|job| job.state == "dead");
        }
        loop {
            let mut changed = false;
            for n in 0..self.jobs.len() {
                let kept: Vec<Tie> = self.jobs[n].ties.iter().filter(|tie| !self.is_over(tie)).cloned().collect();
                if kept.len() < self.jobs[n].ties.len() {
                    changed = true;
                    self.jobs[n].ties = kept;
                }
                if self.jobs[n].ties.is_empty() && self.jobs[n].by == Some("dependency") {
                    self.jobs[n].state = "waiting";
                    self.jobs[n].by = None;
                    changed = true;
                    if let Some(key) = self.jobs[n].key
                        && self.keys.get(&key).is_some_and(|(_, next)| *next == Some(n))
                    {
                        self.keys.insert(key, (n, None));
                    }
                }
            }
            if !changed {
                break;
            }
        }
        for job in &mut self.jobs {
            if job.state == "scheduled" {
                job.state = "waiting";
            }
        }
    }
}
