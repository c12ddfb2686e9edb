//! A sender's rate as a limit of its lane: the sender's address is its lane in the `sends` queue.

use patchbay_jobs::messages::SendMessages;
use patchbay_queue::lanes::RateLimit;
use patchbay_queue::{Job, LaneName};
use uuid::Uuid;

use super::senders::NewSender;

/// The queue whose lanes are senders.
pub const QUEUE: &str = SendMessages::QUEUE;

/// The limits that the rates of `senders` make.
#[must_use]
pub fn of(tenant: Uuid, senders: &[NewSender]) -> Vec<RateLimit> {
    let limit = |sender: &NewSender| {
        let rate = sender.rate_per_second.unwrap_or(sender.usual_rate);
        let lane = LaneName { tenant, lane: sender.address.clone() };
        RateLimit { lane, rate_per_second: rate, burst: burst(rate) }
    };
    senders.iter().map(limit).collect()
}

/// A second's worth may go at once, and one segment always.
#[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
fn burst(rate: f64) -> i32 {
    rate.ceil().clamp(1.0, 1_000_000.0) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_a_second_and_at_least_one() {
        assert_eq!([0.1, 1.0, 2.5, 100.0].map(burst), [1, 1, 3, 100]);
    }
}
