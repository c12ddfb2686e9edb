//! A worker takes an import up.

use diesel::QueryableByName;
use diesel::sql_types::{Integer, Nullable, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::{ImportId, JobId};
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::get::get;
use crate::countries::Country;
use crate::imports::model::Import;

/// An import that is this job's to run, and the tenant's default country.
#[derive(Debug)]
pub struct Run {
    /// The import.
    pub import: Import,
    /// What is left where the import names no country.
    pub tenant_country: Option<Country>,
}

/// A failed import is taken up again where its job is redriven: its file is kept for that.
const CLAIM: &str = "
UPDATE imports SET state = 'running', failure_code = NULL, failure = NULL, finished_at = NULL, updated_at = now()
WHERE tenant_id = $1 AND id = $2 AND job_id = $3 AND state IN ('running', 'failed')";

#[derive(QueryableByName)]
struct TenantDefault {
    #[diesel(sql_type = Nullable<Text>)]
    default_country: Option<String>,
}

/// Takes the import up for `job`; none where it is not (or no longer) this job's to run.
///
/// # Errors
/// `NotFound` where there is no such import.
pub async fn claim(tx: &mut Tx, id: ImportId, job: JobId) -> DbResult<Option<Run>> {
    let tenant = tx.tenant();
    let claimed =
        statement(CLAIM).bind::<Uuid, _>(tenant).bind::<Uuid, _>(id).bind::<Uuid, _>(job).execute(&mut **tx).await?;
    let import = get(tx, id).await?;
    if claimed == 0 {
        return Ok(None);
    }
    let default: TenantDefault = statement("SELECT default_country FROM tenants WHERE id = $1")
        .bind::<Uuid, _>(tenant)
        .get_result(&mut **tx)
        .await?;
    let tenant_country = default.default_country.and_then(|code| Country::parse(&code).ok());
    Ok(Some(Run { import, tenant_country }))
}

/// Notes how many rows the file has.
///
/// # Errors
/// As any write.
pub async fn set_total(tx: &mut Tx, id: ImportId, rows: i32) -> DbResult<()> {
    let written = statement("UPDATE imports SET rows_total = $3, updated_at = now() WHERE tenant_id = $1 AND id = $2")
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(id)
        .bind::<Integer, _>(rows)
        .execute(&mut **tx)
        .await?;
    expect_rows(1, written)
}
