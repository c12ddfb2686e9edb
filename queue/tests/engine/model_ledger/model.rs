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

/// An instant: an hour as a test names it is even, the odd one after it is whenever something happened in that hour.
pub type At = i64;

#[derive(Debug, Clone)]
pub struct ModelJob {
    pub id: Uuid,
    pub state: &'static str,
    pub by: Option<&'static str>,
    pub ties: Vec<Tie>,
    pub group: Option<usize>,
    pub key: Option<usize>,
    /// When it is due.
    pub at: At,
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

/// The row of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub holder: usize,
    /// Who follows.
    pub next: Option<usize>,
    /// The hour in which its window is over.
    pub until: Option<i64>,
}

#[derive(Default)]
pub struct Model {
    /// Hours that have passed.
    pub hour: i64,
    pub jobs: Vec<ModelJob>,
    pub groups: [ModelGroup; GROUPS],
    pub tails: BTreeMap<usize, usize>,
    pub keys: BTreeMap<usize, Key>,
    pub token: i64,
}

impl Model {
    pub fn pick(&self, n: usize) -> Option<usize> {
        (!self.jobs.is_empty()).then(|| n % self.jobs.len())
    }

    pub fn now(&self) -> At {
        2 * self.hour + 1
    }

    /// What a job that is free is, by its time.
    pub fn by_time(&self, at: At) -> &'static str {
        if at > self.now() { "scheduled" } else { "waiting" }
    }

    pub fn lives(&self, n: usize) -> bool {
        self.jobs[n].pending()
    }

    /// Whether nobody may have the key yet, though nobody lives who has it.
    pub fn windowed(&self, key: &Key) -> bool {
        key.until.is_some_and(|until| self.hour < until)
    }

    /// Who has the key, and who follows: only those who live.
    pub fn key(&self, key: usize) -> (Option<usize>, Option<usize>) {
        let Some(row) = self.keys.get(&key) else { return (None, None) };
        let next = row.next.filter(|n| self.lives(*n));
        if self.lives(row.holder) { (Some(row.holder), next) } else { (next, None) }
    }

    /// Keys whose window is over: the row goes, or is its holder's until that ends.
    pub fn sweep(&mut self) {
        let hour = self.hour;
        let old = |key: &Key| key.until.is_some_and(|until| until <= hour);
        let jobs = &self.jobs;
        let lives = |key: &Key| std::iter::once(key.holder).chain(key.next).any(|n| jobs[n].pending());
        self.keys.retain(|_, key| !old(key) || lives(key));
        self.keys.values_mut().filter(|key| old(key)).for_each(|key| key.until = None);
    }

    /// A dead letter takes its key again, where that is free.
    pub fn redriven(&mut self, n: usize) {
        let Some(key) = self.jobs[n].key else { return };
        let windowed = self.keys.get(&key).is_some_and(|row| self.windowed(row));
        if self.key(key).0.is_none() && !windowed {
            self.keys.insert(key, Key { holder: n, next: None, until: None });
        }
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
            && let Some(row) = self.keys.get(&key)
            && (row.holder, row.next) == (job, None)
            && !self.windowed(row)
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
                    self.jobs[n].state = self.by_time(self.jobs[n].at);
                    self.jobs[n].by = None;
                    changed = true;
                    if let Some(key) = self.jobs[n].key
                        && let Some(row) = self.keys.get_mut(&key).filter(|row| row.next == Some(n))
                    {
                        (row.holder, row.next) = (n, None);
                    }
                }
            }
            if !changed {
                break;
            }
        }
        let now = self.now();
        for job in &mut self.jobs {
            if job.state == "scheduled" && job.at <= now {
                job.state = "waiting";
            }
        }
    }
}
