//! What an account and its senders may do, as limits of their lanes in the `sends` queue (`messages::lane`).

use std::time::Duration;

use patchbay_db::ids::ProviderAccountId;
use patchbay_jobs::messages::SendMessages;
use patchbay_queue::lanes::{BreakerRule, Limit, RateLimit};
use patchbay_queue::{Job, LaneName};
use uuid::Uuid;

use super::senders::NewSender;
use crate::messages::lane;

/// The queue whose lanes are senders.
pub const QUEUE: &str = SendMessages::QUEUE;

/// When a provider that does not answer is left alone: twenty outages in a row within half a minute. The first rest is
/// short, since most outages are; it doubles while they last.
const BREAKER: BreakerRule =
    BreakerRule { failures: 20, within: Duration::from_secs(30), open_for: Duration::from_secs(10) };

/// What every account begins with: its owner may change it.
#[must_use]
pub fn of_account(tenant: Uuid, account: ProviderAccountId) -> Limit {
    let key = LaneName { tenant, lane: lane::of_account(account) };
    Limit { breaker: Some(BREAKER), ..Limit::new(key) }
}

/// The limits that the rates of an account's `senders` make.
#[must_use]
pub fn of(tenant: Uuid, account: ProviderAccountId, senders: &[NewSender]) -> Vec<RateLimit> {
    let limit = |sender: &NewSender| {
        let rate = sender.rate_per_second.unwrap_or(sender.usual_rate);
        let lane = LaneName { tenant, lane: lane::of(account, &sender.address) };
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
