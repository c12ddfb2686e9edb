//! The rows that were not taken, in the order of the file.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ImportId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;
use serde_json::Value;

/// A row that was not taken.
#[derive(Debug, Clone, QueryableByName)]
pub struct Problem {
    /// The header is row 1.
    #[diesel(sql_type = Integer)]
    pub row_number: i32,
    /// `failed` or `skipped`.
    #[diesel(sql_type = Text)]
    pub outcome: String,
    /// The column at fault; none where it is the row.
    #[diesel(sql_type = Nullable<Text>)]
    pub column_name: Option<String>,
    /// Stable and snake_case.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// For a person.
    #[diesel(sql_type = Text)]
    pub detail: String,
    /// Its texts, in the order of the columns: a JSON array.
    #[diesel(sql_type = Jsonb)]
    pub fields: Value,
}

const PAGE: &str = "
SELECT row_number, outcome, column_name, code, detail, fields FROM import_rows
WHERE tenant_id = $1 AND import_id = $2 AND row_number > $3 ORDER BY row_number LIMIT $4";

/// Up to `limit` rows after the row number `after`.
///
/// # Errors
/// The database's.
pub async fn problems(tx: &mut Tx, id: ImportId, after: i32, limit: i64) -> DbResult<Vec<Problem>> {
    Ok(statement(PAGE)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(id)
        .bind::<Integer, _>(after)
        .bind::<BigInt, _>(limit)
        .load(&mut **tx)
        .await?)
}
