//! Each step, done to the ledger and to the model.

use chrono::Utc;
use patchbay_queue::ledger::crash::{Begun, Lost, POISON, crash, mark_running};
use patchbay_queue::ledger::settle::{End, Settlement, settle};
use patchbay_queue::ledger::{cancel, dead as dead_letters, groups, hold, lapse, unique};

use super::Case;
use super::model::ModelJob;
use super::steps::{Ending, Step};
use crate::told::attempt;

impl Case<'_> {
    async fn settle(&self, job: &ModelJob, run: (i64, i32), end: End) {
        let settlement = Settlement {
            tenant: self.tenant,
            id: job.id,
            token: run.0,
            started_at: Utc::now(),
            end,
            progress: None,
            generation: run.1,
        };
        let mut conn = self.conn().await;
        settle(&mut conn, "model", &[settlement]).await.unwrap();
    }

    async fn ended(&mut self, n: usize, run: (i64, i32), ending: Ending) {
        let job = self.model.jobs[n].clone();
        let end = match ending {
            Ending::Well => End::Succeeded(None),
            Ending::Again => End::Again {
                at: Utc::now(),
                errors: 1,
                crashes: 0,
                interruptions: 0,
                attempt: attempt("retryable"),
                reason: None,
            },
            Ending::Dead => End::Dead { errors: 1, crashes: 0, attempt: attempt("permanent") },
            Ending::Parked => End::Held { by: hold::KIND_PAUSE.into(), reason: "paused".into() },
        };
        self.settle(&job, run, end).await;
        if !matches!(job.state, "waiting" | "held") || job.fence >= run.0 || job.generation != run.1 {
            return;
        }
        self.model.jobs[n].fence = run.0;
        if matches!(ending, Ending::Again | Ending::Dead) {
            self.model.jobs[n].errors += 1;
        }
        match ending {
            Ending::Well => self.model.end(n, "succeeded"),
            Ending::Dead => self.model.end(n, "dead"),
            Ending::Again | Ending::Parked if job.cancel => self.model.end(n, "cancelled"),
            Ending::Again => {
                self.model.jobs[n].at = self.model.now();
                if job.state != "held" {
                    self.model.jobs[n].state = "scheduled";
                }
            }
            // Whoever holds it meanwhile goes on doing so.
            Ending::Parked if job.state == "held" => {}
            Ending::Parked => (self.model.jobs[n].state, self.model.jobs[n].by) = ("held", Some("kind_pause")),
        }
    }

    async fn crashed(&mut self, n: usize, before: i64) -> i64 {
        let token = self.model.next_token();
        let lost = Lost { tenant: self.tenant, id: self.model.jobs[n].id, token, before, worker: "gone".into() };
        let again = crash(&mut *self.conn().await, &[lost]).await.unwrap();
        let job = &mut self.model.jobs[n];
        if matches!(job.state, "waiting" | "held") {
            let counts = job.fence < before;
            job.fence = token;
            job.crashes += i16::from(counts);
            let poison = counts && job.crashes >= POISON;
            assert_eq!(again.len(), usize::from(job.state == "waiting" && !poison), "only what waits goes back");
            if poison {
                self.model.end(n, "dead");
            }
        }
        token
    }

    pub async fn step(&mut self, step: &Step) {
        let ids = |case: &Self, n: usize| [case.model.jobs[n].id];
        match *step {
            Step::Insert { .. } => self.insert(step).await,
            Step::Start(n) => {
                let Some(n) = self.model.pick(n) else { return };
                if self.model.jobs[n].state == "waiting" && self.model.jobs[n].run.is_none() {
                    let token = self.model.next_token();
                    self.model.jobs[n].run = Some((token, self.model.jobs[n].generation));
                    let begun = [Begun { tenant: self.tenant, id: self.model.jobs[n].id, token, since: Utc::now() }];
                    mark_running(&mut *self.conn().await, "model", &begun).await.unwrap();
                }
            }
            Step::End(n, ending) => {
                let Some(n) = self.model.pick(n) else { return };
                if let Some(run) = self.model.jobs[n].run.take() {
                    self.ended(n, run, ending).await;
                }
            }
            Step::Late(n) => {
                let Some(n) = self.model.pick(n) else { return };
                if let Some(run) = self.model.jobs[n].lost.take() {
                    self.ended(n, run, Ending::Well).await;
                }
            }
            Step::Crash(n, twice) => {
                let Some(n) = self.model.pick(n) else { return };
                if let Some(run) = self.model.jobs[n].run.take() {
                    self.model.jobs[n].lost = Some(run);
                    let token = self.crashed(n, run.0).await;
                    if twice {
                        self.crashed(n, token).await;
                    }
                }
            }
            Step::Cancel(n) => {
                let Some(n) = self.model.pick(n) else { return };
                let running = self.model.jobs[n].run.is_some();
                cancel::cancel(&mut *self.conn().await, self.tenant, self.model.jobs[n].id, running).await.unwrap();
                if self.model.jobs[n].pending() {
                    self.model.jobs[n].cancel = true;
                    // What was put off meanwhile has no run of its own that would hear of it.
                    if !running || self.model.jobs[n].state == "scheduled" {
                        self.model.end(n, "cancelled");
                    }
                }
            }
            Step::Hold(n) => {
                let Some(n) = self.model.pick(n) else { return };
                hold::hold(&mut *self.conn().await, self.tenant, &ids(self, n), hold::OPERATOR, "?").await.unwrap();
                if self.model.jobs[n].pending() {
                    (self.model.jobs[n].state, self.model.jobs[n].by) = ("held", Some("operator"));
                }
            }
            Step::Release(n) => {
                let Some(n) = self.model.pick(n) else { return };
                hold::release(&mut *self.conn().await, self.tenant, &ids(self, n)).await.unwrap();
                let free = self.model.by_time(self.model.jobs[n].at);
                let job = &mut self.model.jobs[n];
                if job.state == "held" && job.by != Some("dependency") {
                    let tied = !job.ties.is_empty();
                    (job.state, job.by) = if tied { ("held", Some("dependency")) } else { (free, None) };
                }
            }
            Step::Redrive(n) => {
                let Some(n) = self.model.pick(n) else { return };
                dead_letters::redrive(&mut *self.conn().await, self.tenant, &ids(self, n)).await.unwrap();
                let now = self.model.now();
                if self.model.jobs[n].state == "dead" && self.model.jobs[n].ties.is_empty() {
                    self.model.redriven(n);
                    let job = &mut self.model.jobs[n];
                    (job.state, job.errors, job.crashes, job.cancel, job.lapses) = ("waiting", 0, 0, false, false);
                    job.at = now;
                }
            }
            Step::Discard(n) => {
                let Some(n) = self.model.pick(n) else { return };
                dead_letters::discard(&mut *self.conn().await, self.tenant, &ids(self, n)).await.unwrap();
                if self.model.jobs[n].state == "dead" {
                    self.model.end(n, "discarded");
                }
            }
            Step::Lapse(n) => {
                let Some(n) = self.model.pick(n) else { return };
                if self.model.jobs[n].run.is_none() {
                    let job = [(self.tenant, self.model.jobs[n].id)];
                    lapse::lapse(&mut *self.conn().await, "model", &job).await.unwrap();
                    if self.model.jobs[n].pending() && self.model.jobs[n].lapses {
                        self.model.end(n, "dead");
                    }
                }
            }
            Step::Seal(n) => {
                groups::seal(&mut *self.conn().await, self.tenant, self.group_ids[n]).await.unwrap();
                self.model.groups[n].sealed = true;
            }
            Step::Pass(hours) => self.pass(hours).await,
            Step::Sweep => {
                unique::sweep(&mut *self.conn().await, 100_000).await.unwrap();
                self.model.sweep();
            }
        }
    }
}
