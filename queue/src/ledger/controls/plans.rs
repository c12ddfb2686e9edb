//! Plans: what a tenant is worth in every queue.
//!
//! A plan is a name with a weight and a depth; a tenant has one or none. Both are copied to Redis as what holds for the tenant
//! where nothing is set for itself ([`all_limits`](super::all_limits)), so that a plan that changes, or a tenant that
//! changes its plan, changes the shares of what waits already, within a second.
//! Rejected: writing a plan's weight into each tenant's own limits, which nobody could tell from what was set by hand.

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Double, Int8, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::sql::statement;

/// A plan.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Plan {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// A tenant's share against the others' (0.01 to 1000; without a plan it is 1).
    #[diesel(sql_type = Double)]
    pub weight: f64,
    /// Jobs of a tenant that may wait in a queue; what is configured where not set.
    #[diesel(sql_type = Nullable<Int8>)]
    pub max_waiting: Option<i64>,
    /// When it was last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: chrono::DateTime<chrono::Utc>,
}

/// All plans, by name.
///
/// # Errors
/// The database's.
pub async fn plans(conn: &mut AsyncPgConnection) -> QueryResult<Vec<Plan>> {
    statement("SELECT name, weight, max_waiting, updated_at FROM queue.plans ORDER BY name").load(conn).await
}

/// The plan of this name.
///
/// # Errors
/// The database's.
pub async fn plan(conn: &mut AsyncPgConnection, name: &str) -> QueryResult<Option<Plan>> {
    let query = statement("SELECT name, weight, max_waiting, updated_at FROM queue.plans WHERE name = $1");
    Ok(query.bind::<Text, _>(name).load(conn).await?.into_iter().next())
}

/// Makes or changes a plan.
///
/// # Errors
/// The database's; a weight or a depth out of bounds.
pub async fn set_plan(
    conn: &mut AsyncPgConnection,
    name: &str,
    weight: f64,
    max_waiting: Option<i64>,
) -> QueryResult<Plan> {
    statement(
        "INSERT INTO queue.plans (name, weight, max_waiting) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET weight = excluded.weight, max_waiting = excluded.max_waiting, updated_at = now()
         RETURNING name, weight, max_waiting, updated_at",
    )
    .bind::<Text, _>(name)
    .bind::<Double, _>(weight)
    .bind::<Nullable<Int8>, _>(max_waiting)
    .get_result(conn)
    .await
}

/// Removes a plan; `false`: there is none of this name.
///
/// # Errors
/// The database's: a violated foreign key where tenants have it.
pub async fn remove_plan(conn: &mut AsyncPgConnection, name: &str) -> QueryResult<bool> {
    let query = statement("DELETE FROM queue.plans WHERE name = $1").bind::<Text, _>(name);
    Ok(query.execute(conn).await? > 0)
}

/// Whether there is a plan of this name. It stays until the transaction is over.
///
/// # Errors
/// The database's.
pub async fn plan_stands(conn: &mut AsyncPgConnection, name: &str) -> QueryResult<bool> {
    let query = statement("SELECT name FROM queue.plans WHERE name = $1 FOR KEY SHARE").bind::<Text, _>(name);
    Ok(query.execute(conn).await? > 0)
}

/// Gives a tenant the plan of this name, or none.
///
/// # Errors
/// The database's: a violated foreign key where there is no such plan.
pub async fn assign_plan(conn: &mut AsyncPgConnection, tenant: Uuid, plan: Option<&str>) -> QueryResult<()> {
    let Some(plan) = plan else {
        let query = statement("DELETE FROM queue.tenant_plans WHERE tenant_id = $1").bind::<SqlUuid, _>(tenant);
        return query.execute(conn).await.map(drop);
    };
    statement(
        "INSERT INTO queue.tenant_plans (tenant_id, plan) VALUES ($1, $2)
         ON CONFLICT (tenant_id) DO UPDATE SET plan = excluded.plan",
    )
    .bind::<SqlUuid, _>(tenant)
    .bind::<Text, _>(plan)
    .execute(conn)
    .await
    .map(drop)
}

/// What a tenant's plan gives it.
#[derive(QueryableByName)]
pub(super) struct Share {
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: Uuid,
    /// None where it is the usual one.
    #[diesel(sql_type = Nullable<Double>)]
    pub weight: Option<f64>,
    #[diesel(sql_type = Nullable<Int8>)]
    pub max_waiting: Option<i64>,
}

/// What their plans give to all tenants that have more or less than the usual.
pub(super) async fn shares(conn: &mut AsyncPgConnection) -> QueryResult<Vec<Share>> {
    statement(
        "SELECT t.tenant_id, nullif(p.weight, 1) AS weight, p.max_waiting
         FROM queue.tenant_plans t JOIN queue.plans p ON p.name = t.plan
         WHERE p.weight <> 1 OR p.max_waiting IS NOT NULL",
    )
    .load(conn)
    .await
}
