//! `GET /v1/imports/{id}/errors`.
//!
//! Written page by page from the rows as it is read, and stored nowhere: a file of a million failed rows costs no
//! memory.

use std::time::Duration;

use chrono::{DateTime, Utc};
use patchbay_db::ids::{ImportId, TenantId};
use patchbay_db::{Db, DbResult};
use patchbay_domain::imports::{errors_file, store};
use poem::{Body, IntoResponse, Response, http::header};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::Path,
    registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
};

use super::Read;
use crate::{
    http::{Call, Code, Handled, Id, Problem},
    tags::Tag,
};

/// Rows that are read in one go.
const ROWS: i64 = 500;

/// The operation.
#[derive(Debug, Default)]
pub struct Errors;

/// A CSV file, as a stream.
pub struct CsvFile {
    name: String,
    body: Body,
}

impl IntoResponse for CsvFile {
    fn into_response(self) -> Response {
        Response::builder()
            .content_type("text/csv; charset=utf-8")
            .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", self.name))
            .body(self.body)
    }
}

impl ApiResponse for CsvFile {
    fn meta() -> MetaResponses {
        let schema = MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")));
        let response = MetaResponse {
            description: "The rows that were not taken, each with its reason and its own fields.",
            status: Some(200),
            status_range: None,
            content: vec![MetaMediaType { content_type: "text/csv", schema }],
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![response] }
    }

    fn register(_: &mut Registry) {}
}

#[OpenApi]
impl Errors {
    /// Download the rows that were not taken
    ///
    /// A CSV file in UTF-8: row number (the header is row 1), outcome, column, code and detail, then the row's own fields,
    /// so that the rows can be repaired there and uploaded again. A value that a spreadsheet would run as a formula has a
    /// `'` in front, which an upload takes off again. The rows are kept for some days after the import has ended (7,
    /// where the operator has not chosen otherwise); then the answer is 404.
    #[oai(path = "/v1/imports/:id/errors", method = "get", operation_id = "imports_errors", tag = "Tag::Imports")]
    async fn run(
        &self,
        call: Call<Read>,
        /// The import's id.
        id: Path<Id<ImportId>>,
    ) -> Handled<CsvFile> {
        let id = id.0.0;
        let mut tx = call.read().await?;
        let import = store::get(&mut tx, id).await?;
        tx.commit().await?;
        if import.finished_at.is_some_and(|at| past(at, call.app.config.retention.import_files, call.now)) {
            return Err(Problem::new(Code::NotFound, "The rows of this import are not kept any more.").into());
        }
        let first = errors_file::header(&import.columns());
        let (db, tenant) = (call.app.db.clone(), call.tenant());
        let pages = futures_util::stream::try_unfold((Some(first), 0), move |(text, after)| {
            let db = db.clone();
            async move {
                if let Some(text) = text {
                    return Ok(Some((text, (None, after))));
                }
                let page = page(&db, tenant, id, after).await.map_err(std::io::Error::other)?;
                Ok::<_, std::io::Error>(page.map(|(text, last)| (text, (None, last))))
            }
        });
        Ok(CsvFile { name: format!("{id}-errors.csv"), body: Body::from_bytes_stream(pages) })
    }
}

/// Whether what ended `at` is kept no more. It may still be there: the sweep comes round every few minutes.
fn past(at: DateTime<Utc>, keep: Duration, now: DateTime<Utc>) -> bool {
    (now - at).to_std().is_ok_and(|age| age > keep)
}

/// The lines after the row `after`, and the last row among them; none where there are no more.
async fn page(db: &Db, tenant: TenantId, id: ImportId, after: i32) -> DbResult<Option<(String, i32)>> {
    let mut tx = db.begin_read(tenant).await?;
    let rows = store::problems(&mut tx, id, after, ROWS).await?;
    tx.commit().await?;
    let last = rows.last().map(|row| row.row_number);
    Ok(last.map(|last| (rows.iter().map(errors_file::line).collect(), last)))
}
