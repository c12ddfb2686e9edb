//! The SQL of tenants.

use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::TenantId;
use patchbay_db::{DbResult, Page, Paged, SystemTx, Tx};
use patchbay_queue::sql::statement;

use super::model::{NewTenant, Tenant, TenantPatch, TenantStatus};

macro_rules! columns {
    () => {
        "id, parent_id, name, timezone, locale, currency, default_country, status, created_at, updated_at"
    };
}

/// Makes a tenant.
///
/// # Errors
/// As any write.
pub async fn insert(tx: &mut SystemTx, new: NewTenant, now: DateTime<Utc>) -> DbResult<Tenant> {
    let tenant = statement(concat!(
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
    .bind::<Timestamptz, _>(now)
    .get_result(tx)
    .await?;
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
    id: TenantId,
    patch: TenantPatch,
    now: DateTime<Utc>,
) -> DbResult<Option<Tenant>> {
    let query = statement(concat!(
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
    .bind::<Timestamptz, _>(now);
    Ok(query.get_result(tx).await.optional()?)
}
