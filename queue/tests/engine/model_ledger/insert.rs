//! Enqueueing, in the ledger and in the model.

use chrono::{TimeDelta, Utc};
use patchbay_queue::Conflict;
use patchbay_queue::ledger::hold;

use super::Case;
use super::model::{ModelJob, Target, Tie};
use super::steps::Step;
use crate::told::request;

impl Case<'_> {
    pub async fn insert(&mut self, step: &Step) {
        let Step::Insert { after, after_group, order, group, held, lapses, unique } = step else { return };
        let mut asked = request(self.tenant);
        let mut ties = Vec::new();
        if let Some((on, any_end)) = after.and_then(|(n, any_end)| Some((self.model.pick(n)?, any_end))) {
            let id = self.model.jobs[on].id;
            asked = if any_end { asked.after_end(id) } else { asked.after(id) };
            ties.push(Tie { on: Target::Job(on), any_end });
        }
        if let Some((on, any_end)) = *after_group {
            let id = self.group_ids[on];
            asked = if any_end { asked.after_group_end(id) } else { asked.after_group(id) };
            ties.push(Tie { on: Target::Group(on), any_end });
        }
        if let Some(group) = *group {
            asked = asked.group(self.group_ids[group]);
        }
        if let Some(order) = *order {
            asked = asked.in_order(format!("order {order}"));
        }
        if *held {
            asked = asked.held(hold::APPROVAL, "?");
        }
        if *lapses {
            asked = asked.not_after(Some(Utc::now() - TimeDelta::seconds(5)));
        }
        let mut successor = None;
        let mut replaced = None;
        let mut existing = false;
        if let Some((key, conflict)) = *unique {
            let conflict = [Conflict::Keep, Conflict::Replace, Conflict::KeepLast][usize::from(conflict)];
            asked = asked.unique(format!("key {key}")).on_conflict(conflict);
            let lives = |n: usize| self.model.jobs[n].pending();
            let (holder, next) = match self.model.keys.get(&key).copied() {
                Some((holder, next)) if lives(holder) => (Some(holder), next.filter(|n| lives(*n))),
                Some((_, next)) => (next.filter(|n| lives(*n)), None),
                None => (None, None),
            };
            let new = self.model.jobs.len();
            match (holder, conflict) {
                (None, _) => drop(self.model.keys.insert(key, (new, None))),
                (Some(holder), Conflict::Keep) => {
                    existing = true;
                    if !lives(self.model.keys[&key].0) {
                        self.model.keys.insert(key, (holder, None));
                    }
                }
                (Some(holder), Conflict::Replace) => {
                    replaced = Some(holder);
                    if !lives(self.model.keys[&key].0) {
                        self.model.keys.insert(key, (holder, None));
                    }
                }
                (Some(_), _) if next.is_some() => replaced = next,
                (Some(holder), _) => {
                    successor = Some(holder);
                    self.model.keys.insert(key, (holder, Some(new)));
                }
            }
        }
        let (job, _) = self.world.tell(asked).await;
        if existing {
            return;
        }
        if let Some(holder) = replaced {
            let holder = &mut self.model.jobs[holder];
            (holder.errors, holder.crashes, holder.lapses) = (0, 0, *lapses);
            holder.generation += 1;
            holder.cancel = false;
            if holder.state != "held" {
                holder.state = "waiting";
            }
            return;
        }
        let new = self.model.jobs.len();
        if let Some(order) = *order
            && let Some(before) = self.model.tails.insert(order, new)
        {
            let same = ties.iter().position(|tie| tie.on == Target::Job(before));
            match same {
                Some(at) => ties[at].any_end = false,
                None => ties.push(Tie { on: Target::Job(before), any_end: false }),
            }
        }
        if let Some(holder) = successor
            && !ties.iter().any(|tie| tie.on == Target::Job(holder))
        {
            ties.push(Tie { on: Target::Job(holder), any_end: true });
        }
        // Of two ties to the same target, the stricter counts; each is dropped if that alone is over.
        let ties: Vec<Tie> = ties.into_iter().filter(|tie| !self.model.is_over(tie)).collect();
        let by = if *held { Some("approval") } else { (!ties.is_empty()).then_some("dependency") };
        self.model.jobs.push(ModelJob {
            id: job.id,
            state: if by.is_some() { "held" } else { "waiting" },
            by,
            ties,
            group: *group,
            key: unique.map(|(key, _)| key),
            errors: 0,
            crashes: 0,
            fence: 0,
            generation: 0,
            run: None,
            lost: None,
            cancel: false,
            lapses: *lapses,
        });
    }
}
