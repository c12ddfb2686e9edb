//! The rows of a batch that were not taken, kept for the errors file.

use diesel::sql_types::{Array, Integer, Nullable, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::ImportId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use crate::imports::row::RowProblem;

const INSERT: &str = "
INSERT INTO import_rows (tenant_id, import_id, row_number, outcome, column_name, code, detail, fields)
SELECT $1, $2, n.row_number, n.outcome, n.column_name, n.code, n.detail, n.fields::jsonb
FROM unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    AS n (row_number, outcome, column_name, code, detail, fields)";

pub(super) async fn insert<'p>(
    tx: &mut Tx,
    import: ImportId,
    problems: impl Iterator<Item = &'p RowProblem> + Send,
) -> DbResult<()> {
    let problems: Vec<&RowProblem> = problems.collect();
    if problems.is_empty() {
        return Ok(());
    }
    let written = statement(INSERT)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(import)
        .bind::<Array<Integer>, _>(problems.iter().map(|problem| problem.row_number).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(problems.iter().map(|problem| problem.outcome.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(
            problems.iter().map(|problem| problem.error.column.as_deref()).collect::<Vec<_>>(),
        )
        .bind::<Array<Text>, _>(problems.iter().map(|problem| problem.error.code).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(problems.iter().map(|problem| problem.error.detail.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(problems.iter().map(|problem| problem.fields.as_str()).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    expect_rows(problems.len(), written)
}
