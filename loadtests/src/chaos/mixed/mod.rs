//! The mixed load: what jobs have to do with each other, put on top of whatever jobs a scenario makes.
//!
//! The same pattern again and again, a block of forty numbers, each block's for one of the tenants in turn: unique
//! keys, a group with its completion job, a chain of dependencies, a strict order, a later start, held jobs that are
//! released, and cancels of jobs that are held, that wait and that run. The rest of a block is left as it was made.
//! What is noted of each number is what [`check`] holds the runs against and [`ends`] the ends, and [`hands`] does what
//! has to be done to some from outside. A job of another kind than most (poison, a kind that is unheard of) is left
//! alone, and nothing waits for it.

pub mod check;
pub mod ends;
pub mod hands;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use chrono::TimeDelta;
use patchbay_queue::{After, Flow, Hold, Job, NewJob};
use uuid::Uuid;

use super::agent::jobs::{Act, Old};
use super::observer::Witness;
use crate::clock;
use crate::stack::random;

/// Numbers of a block.
const BLOCK: usize = 40;
/// A job that is stopped while it runs holds a slot until its worker hears of it: in one of so many blocks.
const STOPPED_IN: usize = 3;
/// How much later than now a later start is.
const LATER: Duration = Duration::from_secs(1);

/// How a job is to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum End {
    /// With its effect.
    #[default]
    Done,
    /// Cancelled, without one.
    Cancelled,
    /// Either, by what its cancel was answered ([`ends`]): it may begin meanwhile.
    Either,
    /// As [`End::Either`], and a run of it waits to be stopped.
    Stopped,
}

/// What is done to a job once it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Its group gets no more members.
    Seal(Uuid),
    /// It is held no more.
    Release,
    /// It is cancelled.
    Cancel,
}

/// What is to be said of one number.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// Numbers of jobs whose effects come before it begins.
    pub follows: Vec<usize>,
    /// Numbers that were made with its unique key before: over before it was accepted, where it was not merged into one.
    pub same_key: Vec<usize>,
    /// By when it was accepted.
    pub accepted: Option<Duration>,
    /// It does not begin before this, by the observer's clock.
    pub not_before: Option<Duration>,
    /// How it is to end.
    pub end: End,
    /// What is done to it: tenant, id and lane of the job, and what.
    pub deed: Option<(Uuid, Uuid, String, Deed)>,
}

/// See the module.
pub struct Mix {
    tenants: Vec<Uuid>,
    witness: Witness,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    notes: Vec<Note>,
    ids: Vec<Uuid>,
    block: usize,
    /// Those that were made with this block's unique key.
    keyed: Vec<usize>,
    /// The group of this block, and its members.
    group: Option<(Uuid, Vec<usize>)>,
    /// The one before in this block's chain.
    before: Option<usize>,
    /// The last of each order.
    last: HashMap<(Uuid, String), usize>,
}

impl Mix {
    /// For jobs of `tenants`.
    pub fn new(tenants: Vec<Uuid>, witness: Witness) -> Self {
        Self { tenants, witness, memory: Mutex::default() }
    }

    /// Job number `n`, which is made after all before it, with what it has to do with others.
    pub fn put_on(&self, n: usize, mut job: NewJob) -> NewJob {
        let mut memory = self.memory.lock().expect("no holder of this lock can panic");
        memory.ids.push(job.id);
        let note = if job.kind == Old::KIND { self.part(&mut memory, n, &mut job) } else { Note::default() };
        memory.notes.push(note);
        job
    }

    /// What was noted, by number.
    pub fn notes(&self) -> Vec<Note> {
        self.memory.lock().expect("no holder of this lock can panic").notes.clone()
    }

    /// Number `n` is in the ledger, or was merged.
    fn accepted(&self, n: usize) {
        let now = self.witness.book().now();
        if let Some(note) = self.memory.lock().expect("no holder of this lock can panic").notes.get_mut(n) {
            note.accepted = Some(now);
        }
    }

    /// What is to be done to number `n`.
    fn deed(&self, n: usize) -> Option<(Uuid, Uuid, String, Deed)> {
        self.memory.lock().expect("no holder of this lock can panic").notes.get(n)?.deed.clone()
    }

    fn part(&self, memory: &mut Memory, n: usize, job: &mut NewJob) -> Note {
        let (block, place) = (n / BLOCK, n % BLOCK);
        let tenant = self.tenants[block % self.tenants.len()];
        if memory.block != block {
            (memory.block, memory.group, memory.before) = (block, None, None);
            memory.keyed.clear();
        }
        let mut note = Note::default();
        let mut flow = Flow::default();
        let hold = |reason: &str| Some(Hold { by: "chaos".to_owned(), reason: reason.to_owned() });
        let deed = |job: &NewJob, deed| Some((tenant, job.id, job.lane.clone(), deed));
        match place {
            // Of the same batch, and of another.
            0 | 1 | 6 => {
                job.unique_key = Some(format!("key-{block}"));
                note.same_key.clone_from(&memory.keyed);
                memory.keyed.push(n);
            }
            10..=13 => {
                let (group, members) = memory.group.get_or_insert_with(|| (Uuid::from_bytes(random()), Vec::new()));
                flow.group = Some(*group);
                members.push(n);
            }
            14 if memory.group.is_some() => {
                let (group, members) = memory.group.take().unwrap_or_default();
                flow.after.push(After { on: group, group: true, any_end: true });
                note.follows = members;
                note.deed = deed(job, Deed::Seal(group));
            }
            16..=19 => {
                // On from where this tenant's block before left off, every other time.
                let key = format!("order-{}", block / self.tenants.len() / 2);
                flow.order = Some(key.clone());
                note.follows.extend(memory.last.insert((tenant, key), n));
            }
            21..=23 => {
                if let Some(before) = memory.before.replace(n) {
                    flow.after.push(After { on: memory.ids[before], group: false, any_end: false });
                    note.follows.push(before);
                }
            }
            26 | 33 => {
                note.not_before = Some(self.witness.book().now() + LATER);
                job.run_at = TimeDelta::from_std(LATER).ok().map(|later| clock::now() + later);
                if place == 33 {
                    note.end = End::Either;
                    note.deed = deed(job, Deed::Cancel);
                }
            }
            28 => {
                flow.hold = hold("to be released");
                note.deed = deed(job, Deed::Release);
            }
            31 => {
                flow.hold = hold("to be cancelled");
                note.end = End::Cancelled;
                note.deed = deed(job, Deed::Cancel);
            }
            36 if block % STOPPED_IN == 1 => {
                // As every generation of workers knows it.
                job.version = Old::VERSION;
                job.payload = serde_json::to_vec(&Old { work_ms: 1, act: Act::Stoppable }).unwrap_or_default();
                note.end = End::Stopped;
                note.deed = deed(job, Deed::Cancel);
            }
            _ => return note,
        }
        job.tenant_id = tenant;
        job.flow = (flow != Flow::default()).then(|| Box::new(flow));
        note
    }
}

#[cfg(test)]
mod tests {
    use patchbay_queue::JobRequest;

    use super::*;
    use crate::chaos::agent::jobs::Unheard;
    use crate::chaos::observer::Observer;

    const TENANT: Uuid = Uuid::from_u128(7);

    async fn made(numbers: usize, unheard: Option<usize>) -> (Vec<NewJob>, Vec<Note>) {
        let mix = Mix::new(vec![TENANT], Observer::start().await.unwrap().witness.clone());
        let job = |n: usize| {
            let id = Uuid::from_u128(n as u128 + 1);
            match unheard == Some(n) {
                true => JobRequest::new(id, TENANT, Unheard { work_us: 0 }).into(),
                false => JobRequest::new(id, TENANT, Old { work_ms: 0, act: Act::Work }).into(),
            }
        };
        ((0..numbers).map(|n| mix.put_on(n, job(n))).collect(), mix.notes())
    }

    #[tokio::test]
    async fn two_blocks_have_all_there_is() {
        let (jobs, notes) = made(2 * BLOCK, None).await;
        let flows = |is: fn(&Flow) -> bool| jobs.iter().filter_map(|job| job.flow.as_deref()).filter(|f| is(f)).count();
        assert_eq!(jobs.iter().filter(|job| job.unique_key.is_some()).count(), 6);
        assert_eq!(flows(|flow| flow.group.is_some()), 8);
        assert_eq!(flows(|flow| flow.after.iter().any(|after| after.group)), 2);
        assert_eq!(flows(|flow| flow.after.iter().any(|after| !after.group)), 4);
        assert_eq!(flows(|flow| flow.hold.is_some()), 4);
        assert_eq!(jobs.iter().filter(|job| job.run_at.is_some()).count(), 4);
        assert_eq!((&notes[14].follows, &notes[22].follows), (&vec![10, 11, 12, 13], &vec![21]));
        assert_eq!((&notes[1].same_key, &notes[6].same_key), (&vec![0], &vec![0, 1]));
        assert_eq!(
            (&notes[40].same_key, &notes[46].same_key),
            (&vec![], &vec![40, 41]),
            "another block's key is another"
        );
        assert_eq!((&notes[16].follows, &notes[56].follows), (&vec![], &vec![19]), "on from the block before");
        assert_eq!(notes[76].end, End::Stopped, "stopped while it runs");
    }

    #[tokio::test]
    async fn nothing_waits_for_a_job_of_another_kind() {
        let (jobs, notes) = made(BLOCK, Some(21)).await;
        assert!(jobs[21].flow.is_none() && notes[22].follows.is_empty());
        assert_eq!(notes[23].follows, [22]);
    }

    #[tokio::test]
    async fn no_chain_goes_on_into_the_next_block_and_another_tenant() {
        let (_, notes) = made(2 * BLOCK, Some(BLOCK)).await;
        assert!(notes[BLOCK + 21].follows.is_empty());
    }
}
