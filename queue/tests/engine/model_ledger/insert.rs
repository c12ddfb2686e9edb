//! Enqueueing, in the ledger and in the model.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use patchbay_queue::ledger::hold;

use super::Case;
use super::keys::Admission;
use super::model::{ModelJob, Target, Tie};
use super::steps::Step;
use crate::told::request;

impl Case<'_> {
    pub async fn insert(&mut self, step: &Step) {
        let Step::Insert { after, after_group, order, group, held, lapses, unique, at } = step else { return };
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
        if let Some(hours) = *at {
            asked = asked.run_at(Some(self.instant(self.model.hour + i64::from(hours))));
        }
        let due = at.map_or(self.model.now(), |hours| 2 * (self.model.hour + i64::from(hours)));
        let mut successor = None;
        if let Some(unique) = *unique {
            asked = asked.unique(format!("key {}", unique.key)).on_conflict(unique.conflict);
            if let Some(hours) = unique.hours {
                asked = asked.unique_for(Duration::from_secs(3_600 * u64::from(hours)));
            }
            match self.model.admit(unique) {
                Admission::New => {}
                Admission::SuccessorOf(holder) => successor = Some(holder),
                Admission::Nothing => return drop(self.world.tell(asked).await),
                Admission::Replaces(holder) => {
                    self.world.tell(asked).await;
                    return self.model.replace(holder, due, *lapses);
                }
                Admission::PushesBack(holder) => {
                    self.world.tell(asked).await;
                    return at.map_or((), |_| self.model.push_back(holder, due));
                }
            }
        }
        let (job, _) = self.world.tell(asked).await;
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
            state: if by.is_some() { "held" } else { self.model.by_time(due) },
            by,
            at: due,
            ties,
            group: *group,
            key: unique.map(|unique| unique.key),
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
