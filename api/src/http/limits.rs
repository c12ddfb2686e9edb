//! How much a caller may ask for: token buckets per key and per tenant, told on every answer.
//!
//! A request is charged in this process (governor's GCRA, no timer, no lock over all keys); what all processes took
//! together is [`super::shared`]'s affair.
//! Costs are units: an operation costs 1, a batch charges by its size with `Call::charge`.
//! Headers: `RateLimit-Policy` and `RateLimit` as in draft-ietf-httpapi-ratelimit-headers-10.

use std::{
    fmt::Write,
    net::IpAddr,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};
use patchbay_service::config::{LimitsConfig, RateLimit};
use poem::http::HeaderValue;
use uuid::Uuid;

use super::{
    code::Code,
    problem::Problem,
    shared::{Shared, Whose},
};

type Keyed<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// Units left in the buckets that a request was charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// Of a key and of its tenant.
    Caller {
        /// Left in the key's bucket.
        key: u32,
        /// Left in the tenant's bucket.
        tenant: u32,
    },
    /// Of the address of a caller without a valid key.
    Anonymous {
        /// Left in the address's bucket.
        address: u32,
    },
}

/// All buckets of this process.
pub struct Limits {
    clock: DefaultClock,
    key: Bucket<Uuid>,
    tenant: Bucket<Uuid>,
    address: Bucket<IpAddr>,
    caller_policy: HeaderValue,
    anonymous_policy: HeaderValue,
    /// What other processes took.
    pub shared: Shared,
}

struct Bucket<K: std::hash::Hash + Eq + Clone> {
    rate: RateLimit,
    limiter: Keyed<K>,
}

impl<K: std::hash::Hash + Eq + Clone> Bucket<K> {
    fn new(rate: RateLimit) -> Self {
        let quota = Quota::per_second(at_least_one(rate.per_second)).allow_burst(at_least_one(rate.burst));
        Self { rate, limiter: RateLimiter::dashmap(quota).with_middleware() }
    }

    /// Takes `cost` units; at most a whole bucket, since more would never be granted.
    fn take(&self, key: &K, whose: Whose, cost: u32, all: (&Shared, &DefaultClock)) -> Result<u32, Duration> {
        let cost = at_least_one(cost.min(self.rate.burst));
        let ((shared, clock), now) = (all, Instant::now());
        let time = |units: u32| Duration::from_secs(1) * units / self.rate.per_second.max(1);
        shared.check(whose, time(cost.get()), time(self.rate.burst), now)?;
        match self.limiter.check_key_n(key, cost) {
            Ok(Ok(state)) => {
                shared.take(whose, time(cost.get()), now);
                Ok(state.remaining_burst_capacity())
            }
            Ok(Err(until)) => Err(until.wait_time_from(clock.now())),
            Err(_) => unreachable!("the cost is no larger than the bucket"),
        }
    }

    /// What a flood of addresses took is given back too, not only kept free for the next.
    fn forget_idle(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    fn window(&self) -> u32 {
        self.rate.burst.div_ceil(self.rate.per_second.max(1))
    }

    fn policy(&self, name: &str) -> String {
        format!("\"{name}\";q={};w={}", self.rate.burst, self.window())
    }

    fn state(&self, name: &str, left: u32) -> String {
        let reset = self.rate.burst.saturating_sub(left).div_ceil(self.rate.per_second.max(1));
        format!("\"{name}\";r={left};t={reset}")
    }
}

impl Limits {
    /// Full buckets of the configured sizes; a caller without a key has a key's.
    #[must_use]
    pub fn new(config: &LimitsConfig) -> Self {
        let (key, tenant, address) = (Bucket::new(config.key), Bucket::new(config.tenant), Bucket::new(config.key));
        let text = format!("{}, {}", key.policy("key"), tenant.policy("tenant"));
        let caller_policy = HeaderValue::from_str(&text).expect("names and numbers are visible ASCII");
        let anonymous_policy = HeaderValue::from_str(&address.policy("address")).expect("as above");
        let (clock, shared) = (DefaultClock::default(), Shared::default());
        Self { clock, key, tenant, address, caller_policy, anonymous_policy, shared }
    }

    /// Charges a caller with a key.
    ///
    /// # Errors
    /// `rate_limited`, with the time until it would be granted.
    pub fn charge(&self, key: Uuid, tenant: Uuid, cost: u32) -> Result<Budget, Problem> {
        let all = (&self.shared, &self.clock);
        let key = self.key.take(&key, Whose::Key(key), cost, all).map_err(|wait| refused("key", wait))?;
        let tenant =
            self.tenant.take(&tenant, Whose::Tenant(tenant), cost, all).map_err(|wait| refused("tenant", wait))?;
        Ok(Budget::Caller { key, tenant })
    }

    /// Charges the address of a caller without a valid key.
    ///
    /// # Errors
    /// As [`Limits::charge`].
    pub fn charge_address(&self, address: IpAddr) -> Result<Budget, Problem> {
        let all = (&self.shared, &self.clock);
        let taken = self.address.take(&address, Whose::Address(address), 1, all);
        let address = taken.map_err(|wait| refused("address", wait))?;
        Ok(Budget::Anonymous { address })
    }

    /// `RateLimit-Policy` and `RateLimit` for an answer.
    #[must_use]
    pub fn headers(&self, budget: Budget) -> (HeaderValue, HeaderValue) {
        let mut state = String::new();
        let policy = match budget {
            Budget::Caller { key, tenant } => {
                let states = (self.key.state("key", key), self.tenant.state("tenant", tenant));
                write!(state, "{}, {}", states.0, states.1).expect("a String takes all that is written");
                &self.caller_policy
            }
            Budget::Anonymous { address } => {
                state = self.address.state("address", address);
                &self.anonymous_policy
            }
        };
        (policy.clone(), HeaderValue::from_str(&state).expect("names and numbers are visible ASCII"))
    }

    /// Forgets callers whose buckets are full again; call it from time to time.
    pub fn forget_idle(&self) {
        self.key.forget_idle();
        self.tenant.forget_idle();
        self.address.forget_idle();
    }
}

fn at_least_one(units: u32) -> NonZeroU32 {
    NonZeroU32::new(units).unwrap_or(NonZeroU32::MIN)
}

fn refused(whose: &str, wait: Duration) -> Problem {
    Problem::new(Code::RateLimited, format!("The budget of this {whose} is used up.")).retry_after(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(key_burst: u32, tenant_burst: u32) -> Limits {
        let rate = |burst| RateLimit { per_second: 1, burst };
        Limits::new(&LimitsConfig { key: rate(key_burst), tenant: rate(tenant_burst) })
    }

    #[test]
    fn a_key_that_used_up_its_burst_is_told_when_to_come_back() {
        let (limits, key, tenant) = (limits(2, 10), Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(limits.charge(key, tenant, 2).is_ok());
        let refused = limits.charge(key, tenant, 1).unwrap_err();
        assert_eq!(refused.code(), Code::RateLimited);
        assert!(refused.after().unwrap() <= Duration::from_secs(1));
    }

    #[test]
    fn the_keys_of_a_tenant_share_its_bucket() {
        let (limits, tenant) = (limits(2, 3), Uuid::from_u128(9));
        assert!(limits.charge(Uuid::from_u128(1), tenant, 2).is_ok());
        assert!(limits.charge(Uuid::from_u128(2), tenant, 2).is_err());
        assert!(limits.charge(Uuid::from_u128(3), Uuid::from_u128(8), 2).is_ok(), "another tenant has its own");
    }

    #[test]
    fn a_cost_above_the_bucket_takes_all_of_it() {
        let limits = limits(5, 5);
        assert_eq!(limits.charge(Uuid::nil(), Uuid::nil(), 1_000).unwrap(), Budget::Caller { key: 0, tenant: 0 });
    }

    #[test]
    fn callers_whose_buckets_are_full_again_are_forgotten_and_no_others() {
        let at_once = RateLimit { per_second: 1_000_000, burst: 1 };
        let slow = RateLimit { per_second: 1, burst: 10 };
        let limits = Limits::new(&LimitsConfig { key: at_once, tenant: slow });
        for n in 0..1_000_u32 {
            limits.charge_address(IpAddr::V4(n.into())).unwrap();
            limits.charge(Uuid::from_u128(n.into()), Uuid::nil(), 1).ok();
        }
        while limits.address.limiter.len() + limits.key.limiter.len() > 0 {
            limits.forget_idle();
        }
        assert_eq!(limits.tenant.limiter.len(), 1);
    }

    #[test]
    fn the_headers_name_policy_and_what_is_left() {
        let limits = limits(5, 10);
        let (policy, state) = limits.headers(Budget::Caller { key: 3, tenant: 10 });
        assert_eq!(policy, "\"key\";q=5;w=5, \"tenant\";q=10;w=10");
        assert_eq!(state, "\"key\";r=3;t=2, \"tenant\";r=10;t=0");
    }
}
