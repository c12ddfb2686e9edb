//! `GET /v1/dead_letters/export`.
//!
//! Written page by page as it is read, each page a transaction of its own: a file of a million costs no memory, and a
//! reader who is slow holds no connection to the database.

use patchbay_db::{
    Db, DbResult,
    ids::{JobGroupId, TenantId},
};
use patchbay_domain::{
    jobs::{
        dead_keys::{self, Key},
        dead_letters::Filter,
        told::Asked,
    },
    spreadsheet,
};
use patchbay_queue::ledger::view::JobView;
use patchbay_service::config::RetentionConfig;
use poem::{Body, IntoResponse, Response, http::header};
use poem_openapi::{
    ApiResponse, Enum, OpenApi,
    param::Query,
    registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::ToJSON,
};

use super::dto::{DeadLetter, DeadLetterFilter, ErrorClass};
use crate::{
    http::{Caller, Handled, Id, Time},
    jobs::Read,
    tags::Tag,
};

/// Dead letters that are read in one go.
const PAGE: i64 = 500;

const JSONL: &str = "application/x-ndjson";
const CSV: &str = "text/csv";

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ExportFormat {
    /// A JSON object a line, each as `dead_letters_get` answers it, without its payload.
    Jsonl,
    /// A line each, under a line of names, without the attempts.
    Csv,
}

/// A file, as a stream.
pub struct Export {
    format: ExportFormat,
    body: Body,
}

impl IntoResponse for Export {
    fn into_response(self) -> Response {
        let (media, ending) = match self.format {
            ExportFormat::Jsonl => (JSONL, "jsonl"),
            ExportFormat::Csv => (CSV, "csv"),
        };
        Response::builder()
            .content_type(format!("{media}; charset=utf-8"))
            .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"dead_letters.{ending}\""))
            .body(self.body)
    }
}

impl ApiResponse for Export {
    fn meta() -> MetaResponses {
        let media = |content_type| {
            let schema = MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")));
            MetaMediaType { content_type, schema }
        };
        let response = MetaResponse {
            description: "The dead letters that match, a line each.",
            status: Some(200),
            status_range: None,
            content: vec![media(JSONL), media(CSV)],
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![response] }
    }

    fn register(_: &mut Registry) {}
}

/// The operation.
#[derive(Debug, Default)]
pub struct ExportAll;

#[OpenApi]
impl ExportAll {
    /// Download dead letters
    ///
    /// All that match, those that gave up first at the front (tenant by tenant, for the system key). What is redriven or
    /// discarded while the file is written may be missing from it. In a CSV file a value that a spreadsheet would run as
    /// a formula has a `'` in front.
    #[oai(
        path = "/v1/dead_letters/export",
        method = "get",
        operation_id = "dead_letters_export",
        tag = "Tag::DeadLetters"
    )]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the query")]
    async fn run(
        &self,
        call: Caller<Read>,
        /// How the file is written; `jsonl` where it is left out.
        format: Query<Option<ExportFormat>>,
        /// Only those of this queue.
        queue: Query<Option<String>>,
        /// Only those of this kind.
        kind: Query<Option<String>>,
        /// Only those of this lane.
        lane: Query<Option<String>>,
        /// Only those of this group.
        group_id: Query<Option<Id<JobGroupId>>>,
        /// Only those about this record.
        subject: Query<Option<String>>,
        /// Only those with this class of error.
        error_class: Query<Option<ErrorClass>>,
        /// Only those with this error.
        error_code: Query<Option<String>>,
        /// Only those that gave up at this instant or later.
        failed_from: Query<Option<Time>>,
        /// Only those that gave up before this instant.
        failed_before: Query<Option<Time>>,
        /// Whose, for the system key, which gets everybody's where it is left out. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Handled<Export> {
        let filter = DeadLetterFilter {
            queue: queue.0,
            kind: kind.0,
            lane: lane.0,
            group_id: group_id.0,
            subject: subject.0,
            error_class: error_class.0,
            error_code: error_code.0,
            failed_from: failed_from.0,
            failed_before: failed_before.0,
        };
        let format = format.0.unwrap_or(ExportFormat::Jsonl);
        let pages = Pages {
            db: call.app().db.clone(),
            whose: call.whose(tenant_id.0)?,
            filter: filter.into(),
            format,
            asked: call.asked(),
            kept: call.app().config.retention.clone(),
        };
        // The first page is read before the answer begins: a database that is away is a 503, not a file cut short.
        let first = pages.after(None).await?;
        let begun = if format == ExportFormat::Csv { COLUMNS.to_owned() } else { String::new() };
        let first = first.map(|(text, last)| (begun.clone() + &text, last)).or(Some((begun, None)));
        let rest = futures_util::stream::try_unfold((pages, first), |(pages, next)| async move {
            let Some((text, last)) = next else { return Ok::<_, std::io::Error>(None) };
            let next = match last {
                Some(last) => pages.after(Some(last)).await.map_err(std::io::Error::other)?,
                None => None,
            };
            Ok(Some((text, (pages, next))))
        });
        Ok(Export { format, body: Body::from_bytes_stream(rest) })
    }
}

/// What each page is read with.
struct Pages {
    db: Db,
    whose: Option<TenantId>,
    filter: Filter,
    format: ExportFormat,
    asked: Asked,
    kept: RetentionConfig,
}

impl Pages {
    /// The lines of the page after `after`, and where it ends; nothing where there are no more.
    async fn after(&self, after: Option<Key>) -> DbResult<Option<(String, Option<Key>)>> {
        let (keys, jobs) = match self.whose {
            Some(tenant) => {
                let mut tx = self.db.begin_read(tenant).await?;
                let keys = dead_keys::next(&mut tx, self.whose, &self.filter, after, PAGE).await?;
                let jobs = dead_keys::views(&mut tx, &keys).await?;
                tx.commit().await?;
                (keys, jobs)
            }
            None => {
                let mut tx = self.db.system("the operator takes everybody's dead letters along").await?;
                let keys = dead_keys::next(&mut tx, self.whose, &self.filter, after, PAGE).await?;
                let jobs = dead_keys::views(&mut tx, &keys).await?;
                tx.commit().await?;
                (keys, jobs)
            }
        };
        let Some(last) = keys.last().copied() else { return Ok(None) };
        Ok(Some((jobs.into_iter().map(|job| self.line(job)).collect(), Some(last))))
    }

    fn line(&self, job: JobView) -> String {
        let letter = DeadLetter::whole(job, None, self.asked, &self.kept);
        match self.format {
            ExportFormat::Jsonl => letter.to_json_string() + "\n",
            ExportFormat::Csv => csv(&letter),
        }
    }
}

const COLUMNS: &str = "id,tenant_id,kind,queue,lane,group_id,subject,error_class,error_code,error_detail,errors,crashes,request_id,\
                       created_at,failed_at\r\n";

fn csv(letter: &DeadLetter) -> String {
    let mut line = letter.id.0.to_string();
    let time = |at: Time| at.to_json().and_then(|at| at.as_str().map(str::to_owned)).unwrap_or_default();
    let cells = [
        letter.tenant_id.0.to_string(),
        letter.kind.clone(),
        letter.queue.clone(),
        letter.lane.clone(),
        letter.group_id.map(|id| id.0.to_string()).unwrap_or_default(),
        letter.subject.clone().unwrap_or_default(),
        letter.error.class.stored(),
        letter.error.code.clone(),
        letter.error.detail.clone(),
        letter.errors.to_string(),
        letter.crashes.to_string(),
        letter.request_id.clone().unwrap_or_default(),
        time(letter.created_at),
        time(letter.failed_at),
    ];
    for cell in &cells {
        spreadsheet::push(&mut line, cell);
    }
    line + "\r\n"
}
