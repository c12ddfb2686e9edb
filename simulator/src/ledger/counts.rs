//! The counts as the control API tells them. One list of names serves `/_sim/counts` and `/metrics`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What happened since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Counts {
    /// Send requests that arrived, whatever became of them.
    pub requests: u64,
    /// Sends that made a message.
    pub accepted: u64,
    /// Sends refused with an error answer.
    pub rejected: u64,
    /// The same by Twilio code.
    pub rejected_by_code: BTreeMap<u32, u64>,
    /// Segments of the accepted messages.
    pub segments: u64,
    /// Messages that left (also those delivered later).
    pub sent: u64,
    /// Messages that arrived.
    pub delivered: u64,
    /// Accepted messages that ended `failed` or `undelivered`.
    pub failed: u64,
    /// The same by Twilio code.
    pub failed_by_code: BTreeMap<u32, u64>,
    /// Accepted sends whose answer was never given (the connection was dropped).
    pub answers_dropped: u64,
    /// Sends whose connection was reset before anything was accepted.
    pub resets: u64,
    /// Look-ups: fetches and lists of messages.
    pub lookups: u64,
    /// Texts from phones.
    pub inbound: u64,
    /// Texts that Twilio itself sent in answer to a keyword.
    pub auto_replies: u64,
    /// (number, phone) pairs that are stopped now.
    pub opted_out: u64,
    /// Callbacks answered with 2xx, duplicates included.
    pub callbacks_sent: u64,
    /// Callbacks that were given up: another answer, or none after the retries.
    pub callbacks_failed: u64,
    /// Tries after a failed connect.
    pub callbacks_retried: u64,
    /// Final receipts that were lost on purpose.
    pub callbacks_lost: u64,
    /// Different bodies accepted, by account.
    pub distinct_bodies: u64,
    /// Different (to, body) accepted, by account.
    pub distinct_messages: u64,
    /// Accepted sends that repeated the (to, body) of an earlier one.
    pub duplicates: u64,
    /// False when fingerprints ran out, and the three counts above are only a lower bound.
    pub tracking_complete: bool,
    /// Messages that a look-up can still find.
    pub kept_messages: u64,
    /// Steps and callbacks that have not happened yet; 0 means that all is quiet.
    pub pending: u64,
}

impl Counts {
    /// The plain numbers that only grow, with their names.
    pub(crate) fn growing(&self) -> [(&'static str, u64); 17] {
        [
            ("requests", self.requests),
            ("accepted", self.accepted),
            ("rejected", self.rejected),
            ("segments", self.segments),
            ("sent", self.sent),
            ("delivered", self.delivered),
            ("failed", self.failed),
            ("answers_dropped", self.answers_dropped),
            ("resets", self.resets),
            ("lookups", self.lookups),
            ("inbound", self.inbound),
            ("auto_replies", self.auto_replies),
            ("callbacks_sent", self.callbacks_sent),
            ("callbacks_failed", self.callbacks_failed),
            ("callbacks_retried", self.callbacks_retried),
            ("callbacks_lost", self.callbacks_lost),
            ("duplicates", self.duplicates),
        ]
    }

    /// The numbers that go up and down, with their names.
    pub(crate) fn levels(&self) -> [(&'static str, u64); 5] {
        [
            ("distinct_bodies", self.distinct_bodies),
            ("distinct_messages", self.distinct_messages),
            ("opted_out", self.opted_out),
            ("kept_messages", self.kept_messages),
            ("pending", self.pending),
        ]
    }
}
