//! Putting limits into force, for work already waiting too.
//!
//! The ledger holds them (`queue.limits`); this is the copy that a claim reads. What runs is counted under every key,
//! limited or not, so a new limit holds for it at once.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use redis::Script;
use uuid::Uuid;

use super::limit::{EVERY_QUEUE, Limit, RateLimit};
use super::script::script;
use super::{LaneName, Lanes};

static LIMITS: LazyLock<Script> = script!("parts/keys", "parts/turns", "limits");

/// Keys of one call.
const CHUNK: usize = 50;

/// What a key shall have, as the script reads it: `=` leaves a field as it is, `-` clears it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spec {
    key: String,
    rate: String,
    burst: String,
    most: String,
    hours: String,
    rule: String,
    weight: String,
}

const KEEP: &str = "=";
const NONE: &str = "-";

impl Spec {
    fn of(limit: &Limit, now: DateTime<Utc>) -> Self {
        let or_none = |told: Option<String>| told.unwrap_or_else(|| NONE.to_owned());
        let hours = limit.hours.as_ref().map(|hours| match hours.next(now) {
            Some((opens, closes)) => format!("{} {}", opens.timestamp_millis(), closes.timestamp_millis()),
            // Never again: shut, and looked at again each second.
            None => "0 0".to_owned(),
        });
        let rule = limit.breaker.map(|rule| {
            format!("{} {} {}", rule.failures, rule.within.as_millis().max(1), rule.open_for.as_millis().max(1))
        });
        Self {
            key: limit.lane.field(),
            rate: or_none(limit.rate.map(|rate| rate.per_second.to_string())),
            burst: or_none(limit.rate.map(|rate| rate.burst.to_string())),
            most: or_none(limit.concurrency.map(|most| most.to_string())),
            hours: or_none(hours),
            rule: or_none(rule),
            weight: or_none(limit.weight.map(|weight| weight.to_string())),
        }
    }

    /// One that changes nothing of `key` but what is then set.
    fn keep(key: String) -> Self {
        let keep = || KEEP.to_owned();
        Self { key, rate: keep(), burst: keep(), most: keep(), hours: keep(), rule: keep(), weight: keep() }
    }

    /// One that clears a key.
    fn clear(key: String) -> Self {
        let none = || NONE.to_owned();
        Self { key, rate: none(), burst: none(), most: none(), hours: none(), rule: none(), weight: none() }
    }

    /// Whether Redis holds it already, `limit`, `hours`, `rule` and `weight` being its values there.
    fn stands(&self, held: &Held) -> bool {
        let limit =
            held.limit.get(&self.key).map_or("- - -", |spec| spec.rsplit_once(' ').map_or("", |(spec, _)| spec));
        let same = |held: &HashMap<String, String>, wanted: &str| {
            wanted == KEEP || held.get(&self.key).map_or(NONE, String::as_str) == wanted
        };
        limit == format!("{} {} {}", self.rate, self.burst, self.most)
            && same(&held.hours, &self.hours)
            && same(&held.rule, &self.rule)
            && same(&held.weight, &self.weight)
    }
}

/// The limits that Redis holds of a queue, by key.
#[derive(Default)]
struct Held {
    limit: HashMap<String, String>,
    hours: HashMap<String, String>,
    rule: HashMap<String, String>,
    weight: HashMap<String, String>,
}

impl Lanes {
    /// Puts whole limits into force: what one does not set is limited no more. (Hours and weights may also be set for
    /// every queue, which only the keeper sees together: it takes them back, and puts into force what is set for
    /// [`EVERY_QUEUE`], of which a queue may have its own.)
    ///
    /// # Errors
    /// Redis's; the keeper then does it from the ledger.
    pub async fn set_limits(&self, queue: &str, limits: &[Limit]) -> redis::RedisResult<()> {
        if queue == EVERY_QUEUE {
            return Ok(());
        }
        let set = |told: String| if told == NONE { KEEP.to_owned() } else { told };
        let now = self.time(queue).await?;
        let specs = limits.iter().map(|limit| Spec::of(limit, now));
        let specs: Vec<Spec> =
            specs.map(|spec| Spec { hours: set(spec.hours), weight: set(spec.weight), ..spec }).collect();
        self.put(queue, None, &specs).await.map(drop)
    }

    /// Sets the rates of keys, and leaves what else is set on them.
    ///
    /// # Errors
    /// Redis's; the keeper then does it from the ledger.
    pub async fn set_rates(&self, queue: &str, limits: &[RateLimit]) -> redis::RedisResult<()> {
        let specs: Vec<Spec> = limits
            .iter()
            .map(|limit| {
                let (rate, burst) = (limit.rate_per_second.to_string(), limit.burst.to_string());
                Spec { rate, burst, ..Spec::keep(limit.lane.field()) }
            })
            .collect();
        self.put(queue, None, &specs).await.map(drop)
    }

    /// Sets a tenant's weight: its share against the others', 1 where nothing is set.
    ///
    /// # Errors
    /// Redis's.
    pub async fn set_weight(&self, queue: &str, tenant: Uuid, weight: f64) -> redis::RedisResult<()> {
        let key = LaneName { tenant, lane: String::new() }.field();
        self.put(queue, None, &[Spec { weight: weight.max(0.01).to_string(), ..Spec::keep(key) }]).await.map(drop)
    }

    /// Replaces all limits of a queue by what the ledger said at `revision` (see [`Lanes::revision`]); only what differs
    /// is written. `false`: somebody decided meanwhile; read the ledger again. `now`: the queue's time, which says which
    /// opening is the next.
    ///
    /// # Errors
    /// Redis's.
    pub async fn replace_limits(
        &self,
        queue: &str,
        revision: u64,
        now: DateTime<Utc>,
        limits: &[Limit],
    ) -> redis::RedisResult<bool> {
        let held = Held {
            limit: self.scan(queue, "limit").await?,
            hours: self.scan(queue, "hours").await?,
            rule: self.scan(queue, "rule").await?,
            weight: self.scan(queue, "weight").await?,
        };
        let mut known: HashSet<&String> =
            held.limit.keys().chain(held.hours.keys()).chain(held.rule.keys()).chain(held.weight.keys()).collect();
        let mut changed = Vec::new();
        for limit in limits.iter().filter(|limit| !limit.is_empty()) {
            let spec = Spec::of(limit, now);
            known.remove(&spec.key);
            if !spec.stands(&held) {
                changed.push(spec);
            }
        }
        changed.extend(known.into_iter().cloned().map(Spec::clear));
        self.put(queue, Some(revision), &changed).await
    }

    /// Writes `specs`. `false`: refused, `revision` is no more.
    async fn put(&self, queue: &str, revision: Option<u64>, specs: &[Spec]) -> redis::RedisResult<bool> {
        let revision = revision.map_or_else(String::new, |revision| revision.to_string());
        for chunk in specs.chunks(CHUNK) {
            let mut call = LIMITS.key(self.prefix(queue));
            call.arg(&revision);
            for spec in chunk {
                call.arg(&spec.key).arg(&spec.rate).arg(&spec.burst).arg(&spec.most);
                call.arg(&spec.hours).arg(&spec.rule).arg(&spec.weight);
            }
            if call.invoke_async::<i64>(&mut self.conn()).await? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
