//! What is set on the keys of lanes: one row a key.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Double, Int4, Int8, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::plans;
use crate::lanes::{BreakerRule, EVERY_QUEUE, LaneName, Limit, Rate, RateLimit};
use crate::sql::statement;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    queue: String,
    #[diesel(sql_type = Text)]
    lane: String,
    #[diesel(sql_type = Nullable<Double>)]
    rate_per_second: Option<f64>,
    #[diesel(sql_type = Nullable<Int4>)]
    burst: Option<i32>,
    #[diesel(sql_type = Nullable<Int4>)]
    concurrency: Option<i32>,
    #[diesel(sql_type = Nullable<Double>)]
    weight: Option<f64>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    hours: Option<Value>,
    #[diesel(sql_type = Nullable<Int4>)]
    breaker_failures: Option<i32>,
    #[diesel(sql_type = Nullable<Int8>)]
    breaker_within_ms: Option<i64>,
    #[diesel(sql_type = Nullable<Int8>)]
    breaker_open_ms: Option<i64>,
    #[diesel(sql_type = Nullable<Int8>)]
    max_waiting: Option<i64>,
}

const fn millis(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

fn told(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).max(1)
}

impl From<Row> for Limit {
    fn from(row: Row) -> Self {
        let hours = row.hours.and_then(|hours| {
            let read = serde_json::from_value(hours);
            read.inspect_err(|error| tracing::error!(lane = row.lane, %error, "hours that nobody can read")).ok()
        });
        let breaker = (|| {
            let (within, open_for) = (millis(row.breaker_within_ms?), millis(row.breaker_open_ms?));
            Some(BreakerRule { failures: row.breaker_failures?, within, open_for })
        })();
        Self {
            lane: LaneName { tenant: row.tenant_id, lane: row.lane },
            rate: row.rate_per_second.zip(row.burst).map(|(per_second, burst)| Rate { per_second, burst }),
            concurrency: row.concurrency,
            weight: row.weight,
            hours,
            breaker,
            max_waiting: row.max_waiting,
        }
    }
}

macro_rules! select {
    ($where:literal) => {
        concat!(
            "SELECT tenant_id, queue, lane, rate_per_second, burst, concurrency, weight, hours, breaker_failures,
                breaker_within_ms, breaker_open_ms, max_waiting FROM queue.limits WHERE ",
            $where
        )
    };
}

/// The next `most` limits of a queue (or of [`EVERY_QUEUE`]) that the role may see, as they were set, from the key `from` on in
/// the order of tenants and lanes; those of `whose` where it is given.
///
/// # Errors
/// The database's.
pub async fn limits(
    conn: &mut AsyncPgConnection,
    queue: &str,
    whose: Option<Uuid>,
    from: &LaneName,
    most: i64,
) -> QueryResult<Vec<Limit>> {
    // The least key that may follow: a tenant's own come from its id, which the index then narrows to.
    let from_tenant = whose.map_or(from.tenant, |whose| whose.max(from.tenant));
    let rows: Vec<Row> = statement(select!(
        "queue = $1 AND (tenant_id, lane COLLATE \"C\") >= ($2, $3 COLLATE \"C\") AND ($4 IS NULL OR tenant_id = $4)
         ORDER BY tenant_id, lane COLLATE \"C\" LIMIT $5"
    ))
    .bind::<Text, _>(queue)
    .bind::<SqlUuid, _>(from_tenant)
    .bind::<Text, _>(if from_tenant == from.tenant { from.lane.as_str() } else { "" })
    .bind::<Nullable<SqlUuid>, _>(whose)
    .bind::<Int8, _>(most)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(Limit::from).collect())
}

/// What is set on one key.
///
/// # Errors
/// The database's.
pub async fn limit(conn: &mut AsyncPgConnection, queue: &str, key: &LaneName) -> QueryResult<Option<Limit>> {
    let rows: Vec<Row> = statement(select!("queue = $1 AND tenant_id = $2 AND lane = $3"))
        .bind::<Text, _>(queue)
        .bind::<SqlUuid, _>(key.tenant)
        .bind::<Text, _>(&key.lane)
        .load(conn)
        .await?;
    Ok(rows.into_iter().next().map(Limit::from))
}

/// What holds in a queue: its own limits, for each key that they leave open what is set for every queue, and for each tenant
/// of which neither speaks what its plan gives it.
///
/// # Errors
/// The database's.
pub async fn all_limits(conn: &mut AsyncPgConnection, queue: &str) -> QueryResult<Vec<Limit>> {
    let rows: Vec<Row> = statement(select!("queue IN ($1, '*')")).bind::<Text, _>(queue).load(conn).await?;
    let (every, own): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.queue == EVERY_QUEUE);
    let mut limits: BTreeMap<LaneName, Limit> =
        own.into_iter().map(Limit::from).map(|limit| (limit.lane.clone(), limit)).collect();
    for every in every.into_iter().map(Limit::from) {
        let limit = limits.entry(every.lane.clone()).or_insert_with(|| Limit::new(every.lane.clone()));
        limit.weight = limit.weight.or(every.weight);
        limit.max_waiting = limit.max_waiting.or(every.max_waiting);
        limit.hours = limit.hours.take().or(every.hours);
    }
    for share in plans::shares(conn).await? {
        let key = LaneName { tenant: share.tenant_id, lane: String::new() };
        let limit = limits.entry(key.clone()).or_insert_with(|| Limit::new(key));
        limit.weight = limit.weight.or(share.weight);
        limit.max_waiting = limit.max_waiting.or(share.max_waiting);
    }
    Ok(limits.into_values().collect())
}

const SET: &str = "
INSERT INTO queue.limits (tenant_id, queue, lane, rate_per_second, burst, concurrency, weight, hours, breaker_failures,
    breaker_within_ms, breaker_open_ms, max_waiting)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (tenant_id, queue, lane) DO UPDATE SET
    rate_per_second = excluded.rate_per_second, burst = excluded.burst, concurrency = excluded.concurrency,
    weight = excluded.weight, hours = excluded.hours, breaker_failures = excluded.breaker_failures,
    breaker_within_ms = excluded.breaker_within_ms, breaker_open_ms = excluded.breaker_open_ms,
    max_waiting = excluded.max_waiting, updated_at = now()";

/// Notes all that is set on a key; an empty limit takes everything away. Check it first ([`Limit::check`]).
/// [`Lanes::set_limits`](crate::Lanes::set_limits) puts it into force at once.
///
/// # Errors
/// The database's.
pub async fn set_limit(conn: &mut AsyncPgConnection, queue: &str, limit: &Limit) -> QueryResult<()> {
    if limit.is_empty() {
        return statement("DELETE FROM queue.limits WHERE tenant_id = $1 AND queue = $2 AND lane = $3")
            .bind::<SqlUuid, _>(limit.lane.tenant)
            .bind::<Text, _>(queue)
            .bind::<Text, _>(&limit.lane.lane)
            .execute(conn)
            .await
            .map(drop);
    }
    let hours = limit.hours.as_ref().map(|hours| serde_json::to_value(hours).expect("hours are plain data"));
    statement(SET)
        .bind::<SqlUuid, _>(limit.lane.tenant)
        .bind::<Text, _>(queue)
        .bind::<Text, _>(&limit.lane.lane)
        .bind::<Nullable<Double>, _>(limit.rate.map(|rate| rate.per_second))
        .bind::<Nullable<Int4>, _>(limit.rate.map(|rate| rate.burst))
        .bind::<Nullable<Int4>, _>(limit.concurrency)
        .bind::<Nullable<Double>, _>(limit.weight)
        .bind::<Nullable<Jsonb>, _>(hours)
        .bind::<Nullable<Int4>, _>(limit.breaker.map(|rule| rule.failures))
        .bind::<Nullable<Int8>, _>(limit.breaker.map(|rule| told(rule.within)))
        .bind::<Nullable<Int8>, _>(limit.breaker.map(|rule| told(rule.open_for)))
        .bind::<Nullable<Int8>, _>(limit.max_waiting)
        .execute(conn)
        .await
        .map(drop)
}

/// Notes the rate of a key, and leaves what else is set on it.
/// [`Lanes::set_rates`](crate::Lanes::set_rates) puts it into force at once.
///
/// # Errors
/// The database's.
pub async fn set_rate(conn: &mut AsyncPgConnection, queue: &str, limit: &RateLimit) -> QueryResult<()> {
    statement(
        "INSERT INTO queue.limits (tenant_id, queue, lane, rate_per_second, burst) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, queue, lane) DO UPDATE SET
            rate_per_second = excluded.rate_per_second, burst = excluded.burst, updated_at = now()",
    )
    .bind::<SqlUuid, _>(limit.lane.tenant)
    .bind::<Text, _>(queue)
    .bind::<Text, _>(&limit.lane.lane)
    .bind::<Double, _>(limit.rate_per_second)
    .bind::<Int4, _>(limit.burst)
    .execute(conn)
    .await
    .map(drop)
}
