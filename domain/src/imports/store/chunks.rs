//! The file itself, in pieces: written as it comes in, read as it is worked through, gone when that has ended.
//!
//! In the database rather than on a disk, because API and worker share none; each piece is a row and a transaction
//! of its own, so that neither side ever holds a file.

use diesel::QueryableByName;
use diesel::sql_types::{Bytea, Integer, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::ImportId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

/// The size of a piece: large enough that a file of 256 MiB is some hundred rows, small enough to hold several.
pub const CHUNK_BYTES: usize = 512 * 1024;

const APPEND: &str = "INSERT INTO import_chunks (tenant_id, import_id, seq, bytes) VALUES ($1, $2, $3, $4)";

#[derive(QueryableByName)]
struct Chunk {
    #[diesel(sql_type = Bytea)]
    bytes: Vec<u8>,
}

/// Keeps piece `seq` (from 0) of the file.
///
/// # Errors
/// As any write.
pub async fn append_chunk(tx: &mut Tx, id: ImportId, seq: i32, bytes: &[u8]) -> DbResult<()> {
    let written = statement(APPEND)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(id)
        .bind::<Integer, _>(seq)
        .bind::<Bytea, _>(bytes)
        .execute(&mut **tx)
        .await?;
    expect_rows(1, written)
}

/// Piece `seq` of the file; none past its end.
///
/// # Errors
/// The database's.
pub async fn read_chunk(tx: &mut Tx, id: ImportId, seq: i32) -> DbResult<Option<Vec<u8>>> {
    let mut found: Vec<Chunk> =
        statement("SELECT bytes FROM import_chunks WHERE tenant_id = $1 AND import_id = $2 AND seq = $3")
            .bind::<Uuid, _>(tx.tenant())
            .bind::<Uuid, _>(id)
            .bind::<Integer, _>(seq)
            .load(&mut **tx)
            .await?;
    Ok(found.pop().map(|chunk| chunk.bytes))
}

/// Drops the file, and what a dry run noted.
///
/// # Errors
/// As any write.
pub async fn drop_chunks(tx: &mut Tx, id: ImportId) -> DbResult<()> {
    for sql in [
        "DELETE FROM import_chunks WHERE tenant_id = $1 AND import_id = $2",
        "DELETE FROM import_addresses WHERE tenant_id = $1 AND import_id = $2",
    ] {
        statement(sql).bind::<Uuid, _>(tx.tenant()).bind::<Uuid, _>(id).execute(&mut **tx).await?;
    }
    Ok(())
}
