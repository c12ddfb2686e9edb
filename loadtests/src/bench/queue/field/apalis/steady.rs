//! Looks for tasks at a steady pace, whatever happened before.
//!
//! The interval that comes with apalis-core 1.0 makes its next timer without polling it, so nobody is woken by it: a fetch that
//! takes longer than the interval and finds nothing leaves the worker asleep until its heartbeat, half a minute later.
//! That would be all that is measured, so the peers get a timer that wakes.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use apalis_core::backend::ext::poll_strategy::{PollSnapshot, PollStrategy};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// See the module.
pub struct Steady(Pin<Box<Interval>>);

impl Steady {
    /// Looks each `period`.
    pub fn new(period: Duration) -> Self {
        let mut timer = interval(period);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(Box::pin(timer))
    }
}

impl PollStrategy for Steady {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        let due = self.0.poll_tick(cx).is_ready();
        // Asked again at once, so that the next tick wakes.
        if due && self.0.poll_tick(cx).is_pending() {
            return Poll::Ready(Some(()));
        }
        Poll::Pending
    }
}
