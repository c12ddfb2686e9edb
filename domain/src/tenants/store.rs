//! The SQL of tenants.

use diesel::OptionalExtension;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::TenantId;
use patchbay_db::{DbResult, Page, Paged, SystemTx, Tx, TypedId};
use patchbay_queue::ledger::controls;
use patchbay_queue::sql::statement;
use serde_json::json;

use super::model::{NewTenant, Tenant, TenantPatch, TenantStatus};
use crate::events::{self, Cause};

macro_rules! columns {
    () => {
        "id, parent_id, name, timezone, locale, currency, default_country, status, created_at, updated_at,
         (SELECT p.plan FROM queue.tenant_plans p WHERE p.tenant_id = tenants.id) AS plan"
    };
}

/// Makes a tenant.
///
/// # Errors
/// As any write.
pub async fn insert(tx: &mut SystemTx, cause: &Cause<'_>, new: NewTenant) -> DbResult<Tenant> {
    if new.plan.is_some() {
        controls::assign_plan(tx, new.id.uuid(), new.plan.as_deref()).await?;
    }
    let tenant: Tenant = statement(concat!(
        "INSERT INTO tenants (id, name, timezone, locale, currency, default_country, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING ",
        columns!()
    ))
    .bind::<Uuid, _>(new.id)
    .bind::<Text, _>(new.name)
    .bind::<Text, _>(new.timezone)
    .bind::<Text, _>(new.locale)
    .bind::<Text, _>(new.currency)
    .bind::<Nullable<Text>, _>(new.default_country)
    .bind::<Timestamptz, _>(cause.now)
    .get_result(tx)
    .await?;
    happened(tx, cause, "tenant.created", &tenant).await?;
    Ok(tenant)
}

/// The tenant with this id.
///
/// # Errors
/// As any query.
pub async fn get(tx: &mut SystemTx, id: TenantId) -> DbResult<Option<Tenant>> {
    let query = statement(concat!("SELECT ", columns!(), " FROM tenants WHERE id = $1")).bind::<Uuid, _>(id);
    Ok(query.get_result(tx).await.optional()?)
}

/// The tenant of the transaction.
///
/// # Errors
/// As any query.
pub async fn get_own(tx: &mut Tx) -> DbResult<Option<Tenant>> {
    let id = tx.tenant();
    let query = statement(concat!("SELECT ", columns!(), " FROM tenants WHERE id = $1")).bind::<Uuid, _>(id);
    Ok(query.get_result(tx).await.optional()?)
}

/// One page of all tenants, newest first.
///
/// # Errors
/// As any query.
pub async fn list(tx: &mut SystemTx, page: Page) -> DbResult<Paged<Tenant>> {
    let rows = statement(concat!("SELECT ", columns!(), " FROM tenants WHERE id < $1 ORDER BY id DESC LIMIT $2"))
        .bind::<Uuid, _>(page.before())
        .bind::<BigInt, _>(page.fetch())
        .load::<Tenant>(tx)
        .await?;
    Ok(page.cut(rows, |tenant| tenant.id))
}

/// Changes a tenant; none if there is no such tenant.
///
/// # Errors
/// As any write.
pub async fn update(
    tx: &mut SystemTx,
    cause: &Cause<'_>,
    id: TenantId,
    patch: TenantPatch,
) -> DbResult<Option<Tenant>> {
    let before =
        statement(concat!("SELECT ", columns!(), " FROM tenants WHERE id = $1 FOR NO KEY UPDATE")).bind::<Uuid, _>(id);
    let Some(before) = before.get_result::<Tenant>(tx).await.optional()? else { return Ok(None) };
    if !patch.changes(&before) {
        return Ok(Some(before));
    }
    if let Some(plan) = &patch.plan {
        controls::assign_plan(tx, id.uuid(), plan.as_deref()).await?;
    }
    let tenant: Tenant = statement(concat!(
        "UPDATE tenants SET
           name = coalesce($2, name), timezone = coalesce($3, timezone), locale = coalesce($4, locale),
           currency = coalesce($5, currency), status = coalesce($6, status),
           default_country = CASE WHEN $7 THEN $8 ELSE default_country END, updated_at = $9
         WHERE id = $1 RETURNING ",
        columns!()
    ))
    .bind::<Uuid, _>(id)
    .bind::<Nullable<Text>, _>(patch.name)
    .bind::<Nullable<Text>, _>(patch.timezone)
    .bind::<Nullable<Text>, _>(patch.locale)
    .bind::<Nullable<Text>, _>(patch.currency)
    .bind::<Nullable<Text>, _>(patch.status.map(TenantStatus::as_str))
    .bind::<Bool, _>(patch.default_country.is_some())
    .bind::<Nullable<Text>, _>(patch.default_country.flatten())
    .bind::<Timestamptz, _>(cause.now)
    .get_result(tx)
    .await?;
    happened(tx, cause, "tenant.updated", &tenant).await?;
    Ok(Some(tenant))
}

async fn happened(tx: &mut SystemTx, cause: &Cause<'_>, kind: &'static str, tenant: &Tenant) -> DbResult<()> {
    let payload = json!({ "tenant_id": tenant.id, "status": tenant.status.as_str() });
    events::record_of(tx, tenant.id, cause, kind, tenant.id.to_string(), payload).await
}
