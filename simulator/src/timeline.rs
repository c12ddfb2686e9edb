//! When things happen: one heap of what is due, one task that wakes for it.
//!
//! A task per message would hold a stack and a timer each; at 10,000 sends a second with minutes of queueing that
//! is gigabytes. An entry here is a few words. What is pending (steps here, callbacks waiting at the courier) is
//! counted in one number, and the door refuses sends beyond a limit, so memory is bounded however slowly the
//! callbacks are taken. Broken by: doing anything slow in a step, which would hold up all the others.

use std::cmp::{Ordering as Order, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::flight::{Flight, Step};
use crate::state::Sim;

/// Something that will happen.
pub(crate) struct Entry {
    due: Instant,
    rank: u64,
    flight: Arc<Flight>,
    step: Step,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Order {
        (self.due, self.rank).cmp(&(other.due, other.rank))
    }
}

/// The way into the heap.
pub(crate) struct Timeline {
    entries: mpsc::UnboundedSender<Entry>,
    pending: Arc<AtomicU64>,
    next_rank: AtomicU64,
}

/// One thing that is pending; it stops being so when this is dropped.
pub(crate) struct Ticket(Arc<AtomicU64>);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Timeline {
    /// A timeline, and what [`run`] needs to drive it.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Entry>) {
        let (entries, due) = mpsc::unbounded_channel();
        let timeline = Self { entries, pending: Arc::default(), next_rank: AtomicU64::new(0) };
        (timeline, due)
    }

    /// Makes `step` happen to `flight` after `wait`. Equal times happen in the order they were asked for.
    pub(crate) fn schedule(&self, flight: Arc<Flight>, step: Step, wait: Duration) {
        let rank = self.next_rank.fetch_add(1, Ordering::Relaxed);
        let entry = Entry { due: Instant::now() + wait, rank, flight, step };
        self.pending.fetch_add(1, Ordering::AcqRel);
        // Fails only when the simulator has stopped, and then nothing more should happen.
        let _ = self.entries.send(entry);
    }

    /// Counts one more thing as pending.
    pub(crate) fn ticket(&self) -> Ticket {
        self.pending.fetch_add(1, Ordering::AcqRel);
        Ticket(Arc::clone(&self.pending))
    }

    /// How much has not happened yet.
    pub(crate) fn pending(&self) -> u64 {
        self.pending.load(Ordering::Acquire)
    }
}

/// Makes things happen until `stop`.
pub(crate) async fn run(sim: Arc<Sim>, mut entries: mpsc::UnboundedReceiver<Entry>, stop: CancellationToken) {
    let mut heap: BinaryHeap<Reverse<Entry>> = BinaryHeap::new();
    let mut batch = Vec::with_capacity(1024);
    loop {
        let due = heap.peek().map(|Reverse(entry)| entry.due);
        let next = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            got = entries.recv_many(&mut batch, 1024) => {
                if got == 0 {
                    return;
                }
                heap.extend(batch.drain(..).map(Reverse));
            }
            () = next => {}
        }
        let now = Instant::now();
        while heap.peek().is_some_and(|Reverse(entry)| entry.due <= now) {
            if let Some(Reverse(entry)) = heap.pop() {
                entry.flight.happen(&sim, entry.step);
                sim.timeline.pending.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }
}
