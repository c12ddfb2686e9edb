//! The SQL of API keys.

use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use patchbay_db::ids::{ApiKeyId, TenantId};
use patchbay_db::{DbResult, Page, Paged, SystemTx, Tx, TypedId};
use patchbay_queue::sql::statement;
use serde_json::json;

use super::model::{ApiKey, KeyRecord, NewKey};
use crate::events::{self, Cause};

macro_rules! columns {
    () => {
        "id, name, hint, mode, scopes, expires_at, last_used_at, revoked_at, created_at"
    };
}

/// Makes a key, for its tenant or for the operator: hence the bare connection.
///
/// # Errors
/// As any write.
pub async fn insert(conn: &mut AsyncPgConnection, cause: &Cause<'_>, new: NewKey) -> DbResult<ApiKey> {
    let tenant = new.tenant;
    let key: ApiKey = statement(concat!(
        "INSERT INTO api_keys (tenant_id, id, name, hash, hint, mode, scopes, expires_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING ",
        columns!()
    ))
    .bind::<Uuid, _>(tenant)
    .bind::<Uuid, _>(new.id)
    .bind::<Text, _>(new.name)
    .bind::<Binary, _>(new.hash.to_vec())
    .bind::<Text, _>(new.hint)
    .bind::<Text, _>(new.mode.as_str())
    .bind::<Array<Text>, _>(new.scopes)
    .bind::<Nullable<Timestamptz>, _>(new.expires_at)
    .bind::<Timestamptz, _>(cause.now)
    .get_result(&mut *conn)
    .await?;
    happened(conn, tenant, cause, "api_key.created", &key).await?;
    Ok(key)
}

/// The tenant's key with this id.
///
/// # Errors
/// As any query.
pub async fn get(tx: &mut Tx, id: ApiKeyId) -> DbResult<Option<ApiKey>> {
    let query = statement(concat!("SELECT ", columns!(), " FROM api_keys WHERE tenant_id = $1 AND id = $2"))
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(id);
    Ok(query.get_result(tx).await.optional()?)
}

/// One page of the tenant's keys, newest first.
///
/// # Errors
/// As any query.
pub async fn list(tx: &mut Tx, page: Page) -> DbResult<Paged<ApiKey>> {
    let rows = statement(concat!(
        "SELECT ",
        columns!(),
        " FROM api_keys WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
    ))
    .bind::<Uuid, _>(tx.tenant())
    .bind::<Uuid, _>(page.before())
    .bind::<BigInt, _>(page.fetch())
    .load::<ApiKey>(tx)
    .await?;
    Ok(page.cut(rows, |key| key.id))
}

/// Revokes a key for good; a key that is revoked already keeps its time. None if there is no such key.
///
/// # Errors
/// As any write.
pub async fn revoke(tx: &mut Tx, cause: &Cause<'_>, id: ApiKeyId) -> DbResult<Option<ApiKey>> {
    let tenant = tx.tenant();
    let revoked = statement(concat!(
        "UPDATE api_keys SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING ",
        columns!()
    ))
    .bind::<Uuid, _>(tenant)
    .bind::<Uuid, _>(id)
    .bind::<Timestamptz, _>(cause.now);
    let Some(revoked) = revoked.get_result(tx).await.optional()? else { return get(tx, id).await };
    happened(tx, tenant, cause, "api_key.revoked", &revoked).await?;
    Ok(Some(revoked))
}

async fn happened(
    conn: &mut AsyncPgConnection,
    tenant: TenantId,
    cause: &Cause<'_>,
    kind: &'static str,
    key: &ApiKey,
) -> DbResult<()> {
    let payload = json!({ "api_key_id": key.id, "mode": key.mode.as_str() });
    events::record_of(conn, tenant, cause, kind, key.id.to_string(), payload).await
}

/// Whose key has this hash, whatever its state.
///
/// # Errors
/// As any query.
pub async fn find_by_hash(tx: &mut SystemTx, hash: &[u8; 32]) -> DbResult<Option<KeyRecord>> {
    let query = statement(
        "SELECT k.id, k.tenant_id, k.mode, k.scopes, k.expires_at, k.revoked_at, t.status = 'active' AS tenant_active
         FROM api_keys k JOIN tenants t ON t.id = k.tenant_id WHERE k.hash = $1",
    )
    .bind::<Binary, _>(hash.as_slice());
    Ok(query.get_result(tx).await.optional()?)
}

/// Writes when keys were last used, in one statement. Gives the number of keys written.
///
/// # Errors
/// As any write.
pub async fn write_uses(tx: &mut SystemTx, uses: &[(TenantId, ApiKeyId, DateTime<Utc>)]) -> DbResult<usize> {
    let written = statement(
        "UPDATE api_keys k SET last_used_at = greatest(k.last_used_at, u.at)
         FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS u (tenant_id, id, at)
         WHERE k.tenant_id = u.tenant_id AND k.id = u.id",
    )
    .bind::<Array<Uuid>, _>(uses.iter().map(|(tenant, ..)| tenant.uuid()).collect::<Vec<_>>())
    .bind::<Array<Uuid>, _>(uses.iter().map(|(_, id, _)| id.uuid()).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(uses.iter().map(|(.., at)| *at).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(written)
}
