//! The list of imports, newest first.

use diesel::sql_types::{BigInt, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::{DbResult, Page, Paged, Tx};
use patchbay_queue::sql::statement;

use crate::imports::model::{Import, import_columns};

const LIST: &str =
    concat!("SELECT ", import_columns!(), " FROM imports WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");

/// A page of the tenant's imports.
///
/// # Errors
/// The database's.
pub async fn list(tx: &mut Tx, page: Page) -> DbResult<Paged<Import>> {
    let rows: Vec<Import> = statement(LIST)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(page.before())
        .bind::<BigInt, _>(page.fetch())
        .load(&mut **tx)
        .await?;
    Ok(page.cut(rows, |import| import.id))
}
