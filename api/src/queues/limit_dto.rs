//! What may be set on a key, on the wire.

use std::time::Duration;

use patchbay_db::{TypedId, ids::TenantId};
use patchbay_domain::queues::limits;
use patchbay_queue::{
    LaneName, SYSTEM_TENANT,
    lanes::{BreakerRule, Limit, Rate, Unfit},
};
use poem_openapi::{Object, types::Example};

use super::hours_dto::OpeningHours;
use crate::http::{Id, Problem, Time};

/// When a key rests because what it leads to fails.
#[derive(Debug, Clone, Object)]
pub struct CircuitBreaker {
    /// Failures in a row that open it.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    pub failures: i32,
    /// Within so many seconds of the first of them.
    #[oai(validator(minimum(value = "1"), maximum(value = "3600")))]
    pub within_seconds: u32,
    /// For how long nothing starts then. After it one job is let through; while that fails, twice as long, up to ten times.
    #[oai(validator(minimum(value = "1"), maximum(value = "3600")))]
    pub open_seconds: u32,
}

/// What is set on a key; what is left out is not limited. Cost units are segments of messages, one for other jobs.
#[derive(Debug, Clone, Default, Object)]
#[oai(example)]
pub struct LaneLimit {
    /// Cost units a second.
    #[oai(validator(minimum(value = "0.001"), maximum(value = "100000")))]
    pub rate_per_second: Option<f64>,
    /// Cost units that may go at once; one second's worth where it is left out.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
    pub burst: Option<i32>,
    /// Jobs that may run at a time.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
    pub concurrency: Option<i32>,
    /// When jobs may start.
    pub hours: Option<OpeningHours>,
    /// When to leave alone what fails.
    pub breaker: Option<CircuitBreaker>,
    /// A tenant's share against the others': twice the weight, twice the share. 1 where it is not set. For the system key,
    /// on a tenant as a whole.
    #[oai(validator(minimum(value = "0.01"), maximum(value = "1000")))]
    pub weight: Option<f64>,
    /// Jobs of the tenant that may wait; more are refused with `queue_full`. For the system key, on a tenant as a whole.
    #[oai(validator(minimum(value = "1"), maximum(value = "100000000")))]
    pub max_waiting: Option<i64>,
}

impl LaneLimit {
    /// The wire form of `limit`.
    pub fn of(limit: &Limit) -> Self {
        let seconds = |time: Duration| u32::try_from(time.as_secs().max(1)).unwrap_or(u32::MAX);
        Self {
            rate_per_second: limit.rate.map(|rate| rate.per_second),
            burst: limit.rate.map(|rate| rate.burst),
            concurrency: limit.concurrency,
            hours: limit.hours.as_ref().map(OpeningHours::of),
            breaker: limit.breaker.map(|rule| CircuitBreaker {
                failures: rule.failures,
                within_seconds: seconds(rule.within),
                open_seconds: seconds(rule.open_for),
            }),
            weight: limit.weight,
            max_waiting: limit.max_waiting,
        }
    }

    /// Whether it holds what only the operator may set.
    pub(super) fn is_the_operators(&self) -> bool {
        self.weight.is_some() || self.max_waiting.is_some()
    }

    /// The limit of `lane` in `queue`.
    ///
    /// # Errors
    /// `validation_failed`.
    pub(super) fn on(&self, queue: &str, lane: LaneName) -> Result<Limit, Problem> {
        let rate = match (self.rate_per_second, self.burst) {
            (Some(per_second), burst) => Some(Rate { per_second, burst: burst.unwrap_or_else(|| second(per_second)) }),
            (None, None) => None,
            (None, Some(_)) => {
                return Err(Problem::refused("/burst", "without_rate", "A burst belongs to a rate_per_second."));
            }
        };
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
        let limit = Limit {
            lane,
            rate,
            concurrency: self.concurrency,
            weight: self.weight,
            hours: self.hours.as_ref().map(OpeningHours::read).transpose()?,
            breaker: self.breaker.as_ref().map(|rule| BreakerRule {
                failures: rule.failures,
                within: seconds(rule.within_seconds),
                open_for: seconds(rule.open_seconds),
            }),
            max_waiting: self.max_waiting,
        };
        limit.check(queue).map_err(|error| unfit(&error))?;
        Ok(limit)
    }
}

/// A second's worth.
#[expect(clippy::cast_possible_truncation, reason = "the rate is validated to fit")]
fn second(per_second: f64) -> i32 {
    per_second.ceil().clamp(1.0, 1_000_000.0) as i32
}

fn unfit(unfit: &Unfit) -> Problem {
    let pointer = match unfit.field {
        "lane" | "queue" => unfit.field.to_owned(),
        "rate" => "/rate_per_second".to_owned(),
        field => format!("/{field}"),
    };
    Problem::refused(pointer, "unfit", unfit.reason)
}

impl Example for LaneLimit {
    fn example() -> Self {
        Self { rate_per_second: Some(1.0), burst: Some(1), ..Self::default() }
    }
}

/// A key, and what is set on it.
#[derive(Debug, Object)]
#[oai(example)]
pub struct QueueLimit {
    /// The queue; `*` for what holds in all of them.
    pub queue: String,
    /// Whose; null for what all tenants share.
    pub tenant_id: Option<Id<TenantId>>,
    /// The lane, or a prefix of its path; empty for the tenant as a whole (or, without a tenant, for the queue).
    pub lane: String,
    /// What is set.
    pub limit: LaneLimit,
    /// Who set it: an API key, or `system`; null where the product did, as for a sender's rate.
    pub set_by: Option<String>,
    /// When it was last changed.
    pub updated_at: Time,
}

impl QueueLimit {
    /// The wire form of what is set in `queue`.
    pub fn of(queue: &str, set: limits::Set) -> Self {
        let key = &set.limit.lane;
        Self {
            queue: queue.to_owned(),
            tenant_id: (key.tenant != SYSTEM_TENANT).then(|| Id(TenantId::from_uuid(key.tenant))),
            lane: key.lane.clone(),
            limit: LaneLimit::of(&set.limit),
            set_by: set.set_by,
            updated_at: Time(set.updated_at),
        }
    }
}

impl Example for QueueLimit {
    fn example() -> Self {
        Self {
            queue: "sends".to_owned(),
            tenant_id: Some(Id::example()),
            lane: "pac_01h455vb4pex5vsknk084sn02q".to_owned(),
            limit: LaneLimit::example(),
            set_by: Some("key_01h455vb4pex5vsknk084sn02q".to_owned()),
            updated_at: Time::example(),
        }
    }
}
