//! `messages.inbound`: takes in what contacts wrote, and does what STOP, START and HELP ask for.

use std::time::Duration;

use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

use crate::webhook::Webhook;

/// Takes in what contacts wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeInbound {
    /// In the order in which they came.
    pub webhooks: Vec<Webhook>,
}

impl Job for TakeInbound {
    const KIND: &'static str = "messages.inbound";
    // 2: the same, sealed; workers that know only 1 would take it for malformed.
    const VERSION: i16 = 2;
    const QUEUE: &'static str = "inbound";
    /// What people wrote.
    const SECRET_FIELDS: &'static [&'static str] = &["webhooks"];
    // A STOP must take effect before the next message goes out: tried soon, and for long.
    const POLICY: Policy = Policy { max_attempts: 12, backoff: Duration::from_millis(500), ..Policy::DEFAULT };
}
