//! A message on its way: what happens to it, step by step.
//!
//! The state and the receipt are two things. A fault may lose, repeat, delay or reorder receipts, but a look-up
//! always tells the truth: that is what makes reconciliation provable against this simulator.

use std::sync::Arc;
use std::time::Duration;

use crate::account::Account;
use crate::clock;
use crate::message::{Message, Status};
use crate::plan::{Outcome, Plan};
use crate::state::Sim;
use crate::sync::lock;
use crate::twilio::courier::Callback;
use crate::twilio::line::Line;

/// A message between acceptance and its last receipt.
pub(crate) struct Flight {
    pub account: Arc<Account>,
    pub message: Arc<Message>,
    pub callback_url: Option<Box<str>>,
    pub plan: Plan,
    pub epoch: u64,
    pub line: Line,
}

/// One thing that happens to it.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// It leaves.
    Sent,
    /// It arrives, or fails to.
    Final,
    /// A receipt is told.
    Tell(Outcome),
    /// A callback is tried again.
    Again(Callback),
}

impl Flight {
    /// Starts it: it leaves after `wait` in its sender's queue.
    pub(crate) fn start(self, sim: &Sim, wait: Duration) {
        let step = match self.plan.outcome.status {
            Status::Failed => Step::Final,
            _ => Step::Sent,
        };
        let wait = wait + self.plan.sent_after;
        sim.timeline.schedule(Arc::new(self), step, wait);
    }

    /// Does one step. Never waits.
    pub(crate) fn happen(self: &Arc<Self>, sim: &Sim, step: Step) {
        if self.epoch != sim.epoch() {
            return;
        }
        match step {
            Step::Sent => self.sent(sim),
            Step::Final => self.arrived(sim),
            Step::Tell(outcome) => self.tell(sim, outcome),
            Step::Again(callback) => sim.courier.post_again(sim, self, callback),
        }
    }

    fn sent(self: &Arc<Self>, sim: &Sim) {
        let now = clock::now_ms();
        self.message.advance(Status::Sent, None, now);
        lock(&self.account.messages).note_lag(now - self.message.created_ms);
        self.account.counters.sent.one();
        if !self.plan.receipts.out_of_order {
            self.tell(sim, Outcome { status: Status::Sent, code: None });
        }
        sim.timeline.schedule(Arc::clone(self), Step::Final, self.plan.final_after);
    }

    fn arrived(self: &Arc<Self>, sim: &Sim) {
        let Outcome { status, code } = self.plan.outcome;
        self.message.advance(status, code, clock::now_ms());
        match code {
            None => self.account.counters.delivered.one(),
            Some(code) => self.account.counters.failed.one(code),
        }
        let receipts = self.plan.receipts;
        if receipts.lost {
            self.account.counters.callbacks_lost.one();
        } else {
            self.tell_after(sim, self.plan.outcome, receipts.late);
        }
        if receipts.out_of_order && status != Status::Failed {
            let after = receipts.late + self.plan.final_after.max(Duration::from_millis(1));
            self.tell_after(sim, Outcome { status: Status::Sent, code: None }, after);
        }
    }

    fn tell_after(self: &Arc<Self>, sim: &Sim, outcome: Outcome, wait: Duration) {
        if wait.is_zero() {
            self.tell(sim, outcome);
        } else {
            sim.timeline.schedule(Arc::clone(self), Step::Tell(outcome), wait);
        }
    }

    fn tell(self: &Arc<Self>, sim: &Sim, outcome: Outcome) {
        if self.callback_url.is_none() {
            return;
        }
        let copies = if self.plan.receipts.twice { 2 } else { 1 };
        for _ in 0..copies {
            sim.courier.post(sim, self, Callback::new(outcome));
        }
    }
}
