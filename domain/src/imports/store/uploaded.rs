//! The end of an upload: the file is whole and was looked at.

use diesel::sql_types::{BigInt, Jsonb, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::ImportId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::create::keep_choices;
use crate::events::Cause;
use crate::imports::file::Inspection;
use crate::imports::mapping::MappingEntry;
use crate::imports::options::Options;

const UPLOADED: &str = "
UPDATE imports SET state = 'uploaded', size_bytes = $3, encoding = $4, delimiter = $5, columns = $6, updated_at = $7
WHERE tenant_id = $1 AND id = $2 AND state = 'uploading'";

/// The file of `size` bytes is whole.
///
/// # Errors
/// `RowsAffected` where it is not coming in (cancelled or swept meanwhile); the database's.
pub async fn uploaded(
    tx: &mut Tx,
    cause: &Cause<'_>,
    id: ImportId,
    size: i64,
    file: &Inspection,
    mapping: Option<&[MappingEntry]>,
    options: &Options,
) -> DbResult<()> {
    let columns = serde_json::to_value(&file.columns).expect("columns are strings");
    let written = statement(UPLOADED)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(id)
        .bind::<BigInt, _>(size)
        .bind::<Text, _>(file.encoding)
        .bind::<Text, _>(char::from(file.delimiter).to_string())
        .bind::<Jsonb, _>(columns)
        .bind::<Timestamptz, _>(cause.now)
        .execute(&mut **tx)
        .await?;
    expect_rows(1, written)?;
    keep_choices(tx, id, mapping, options).await
}
