//! A new import, before its file has come in.

use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::ImportId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use crate::events::Cause;
use crate::imports::mapping::MappingEntry;
use crate::imports::options::Options;

/// The longest file name that is kept, in characters.
const LONGEST_NAME: usize = 200;

/// Notes that a file called `filename` is coming in as the import `id`.
///
/// # Errors
/// As any write.
pub async fn create(tx: &mut Tx, cause: &Cause<'_>, id: ImportId, filename: &str) -> DbResult<()> {
    let name: String = filename.replace('\0', "").chars().take(LONGEST_NAME).collect();
    let written =
        statement("INSERT INTO imports (tenant_id, id, filename, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)")
            .bind::<Uuid, _>(tx.tenant())
            .bind::<Uuid, _>(id)
            .bind::<Text, _>(if name.is_empty() { "file.csv" } else { &name })
            .bind::<Timestamptz, _>(cause.now)
            .execute(&mut **tx)
            .await?;
    expect_rows(1, written)
}

/// Forgets an import whose file came to nothing; one that goes on is left alone.
///
/// # Errors
/// As any write.
pub async fn forget(tx: &mut Tx, id: ImportId) -> DbResult<()> {
    statement("DELETE FROM imports WHERE tenant_id = $1 AND id = $2 AND state = 'uploading'")
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Keeps the choices that came with the file or with a start.
pub(super) async fn keep_choices(
    tx: &mut Tx,
    id: ImportId,
    mapping: Option<&[MappingEntry]>,
    options: &Options,
) -> DbResult<()> {
    let mapping = mapping.map(|entries| serde_json::to_value(entries).expect("a mapping is two strings a line"));
    let options = serde_json::to_value(options).expect("options are plain data");
    let written =
        statement("UPDATE imports SET mapping = coalesce($3, mapping), options = $4 WHERE tenant_id = $1 AND id = $2")
            .bind::<Uuid, _>(tx.tenant())
            .bind::<Uuid, _>(id)
            .bind::<Nullable<Jsonb>, _>(mapping)
            .bind::<Jsonb, _>(options)
            .execute(&mut **tx)
            .await?;
    expect_rows(1, written)
}
