//! The callbacks of one message, one after the other.
//!
//! Twilio promises no order, and a test that wants disorder asks for it (`out_of_order_receipts`). Left to chance, two
//! callbacks a few milliseconds apart would change places under load only, and a test elsewhere would fail once a week.
//! A retry keeps its place: what comes after it waits.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::courier::Callback;
use crate::sync::lock;
use crate::timeline::Ticket;

/// Who waits, and whether someone is on the way.
#[derive(Default)]
pub(crate) struct Line(Mutex<State>);

#[derive(Default)]
struct State {
    busy: bool,
    waiting: VecDeque<(Callback, Ticket)>,
}

impl Line {
    /// Joins; gives the callback back when it may go at once.
    pub(crate) fn join(&self, callback: Callback, pending: Ticket) -> Option<(Callback, Ticket)> {
        let mut state = lock(&self.0);
        if state.busy {
            state.waiting.push_back((callback, pending));
            return None;
        }
        state.busy = true;
        Some((callback, pending))
    }

    /// The one on the way is done; who goes next.
    pub(crate) fn next(&self) -> Option<(Callback, Ticket)> {
        let mut state = lock(&self.0);
        let next = state.waiting.pop_front();
        state.busy = next.is_some();
        next
    }
}
