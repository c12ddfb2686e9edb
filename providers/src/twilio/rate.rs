//! How fast Twilio's senders go by default, in message segments.
//!
//! Figures: the design page `facts.md`; alphanumeric from Twilio's support article on sender-id throughput (10 a
//! second). A Messaging Service's rate is the sum of its senders, which we cannot see, so it gets one long code's: too
//! slow is a complaint, too fast is messages lost after ten hours in Twilio's queue.

use std::time::Duration;

use crate::{SendRate, SenderKind};

/// How long Twilio holds what exceeds a sender's rate (also the longest `ValidityPeriod`).
pub const QUEUE: Duration = Duration::from_secs(36_000);

/// The rate of a sender that nobody has set a limit for.
pub const fn default_rate(kind: SenderKind) -> SendRate {
    let units = match kind {
        SenderKind::LongCode | SenderKind::Pool => 1,
        SenderKind::TollFree => 3,
        SenderKind::Alphanumeric => 10,
        SenderKind::ShortCode => 100,
    };
    SendRate { units, per: Duration::from_secs(1), provider_queue: QUEUE }
}
