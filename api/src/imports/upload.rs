//! `POST /v1/imports`.
//!
//! The file is written before the transaction that answers: it has no place in one. An upload that breaks off leaves an
//! import in `uploading`, which the sweep ends; one that turns out to be a repeat, or is refused, is taken back here.

use patchbay_db::ids::{ImportId, TenantId};
use patchbay_db::{Db, Tx};
use patchbay_domain::imports as domain;
use patchbay_domain::imports::mapping::MappingEntry;
use patchbay_domain::imports::options::Options;
use patchbay_domain::imports::store::{self, StartRequest};
use poem::web::Field;
use poem_openapi::{
    OpenApi,
    registry::{MetaResponses, Registry},
    types::ParseFromJSON,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Write,
    dto::{Import, ImportOptions, ImportUploadOptions},
    faults,
    form::UploadForm,
    receive::{Received, receive},
};
use crate::contacts::default_country;
use crate::{
    http::{
        Accepted, BodyDigest, Call, Code, Created, FieldError, Problem, Written,
        idempotency::Once,
        reply::{Refusal, Rendered, Reply},
        schema::Checker,
    },
    tags::Tag,
};

/// The largest part `options`.
const OPTIONS_BYTES: u64 = 64 * 1024;

/// The operation.
#[derive(Debug, Default)]
pub struct Upload;

/// 201 with the import, or 202 where it was started at once.
pub enum Uploaded {
    /// The file is in.
    Made(Created<Import>),
    /// The file is in, and its job waits.
    Started(Accepted<Import>),
}

impl Reply for Uploaded {
    fn meta() -> MetaResponses {
        let mut all = <Created<Import> as Reply>::meta();
        all.responses.extend(<Accepted<Import> as Reply>::meta().responses);
        all
    }

    fn register(registry: &mut Registry) {
        <Created<Import> as Reply>::register(registry);
    }

    fn render(&self) -> Rendered {
        match self {
            Self::Made(made) => made.render(),
            Self::Started(started) => started.render(),
        }
    }
}

/// What the part `options` says.
struct Wanted {
    mapping: Option<Vec<MappingEntry>>,
    options: Options,
    dry_run: bool,
    start: bool,
    digest: [u8; 32],
}

#[OpenApi]
impl Upload {
    /// Upload a file of leads
    ///
    /// The file is streamed. The answer lists its columns with samples and a suggested mapping; start the import with a
    /// mapping, or upload it with `options` that say so. A file that is no table is refused with 422, and one over the
    /// limit with 413.
    #[oai(path = "/v1/imports", method = "post", operation_id = "imports_create", tag = "Tag::Imports")]
    async fn run(&self, call: Call<Write>, form: UploadForm) -> Written<Uploaded> {
        let id: ImportId = call.app.db.new_id(call.now);
        let done = self.take(&call, id, form).await;
        if done.is_err() {
            take_back(&call.app.db, call.tenant(), id).await;
        }
        done
    }
}

impl Upload {
    async fn take(&self, call: &Call<Write>, id: ImportId, form: UploadForm) -> Written<Uploaded> {
        let UploadForm(mut parts) = form;
        let (mut received, mut wanted) = (None, Wanted::none());
        while let Some(part) = parts.next_field().await.map_err(malformed)? {
            match part.name() {
                Some("file") if received.is_none() => received = Some(file(call, id, part).await?),
                Some("options") => wanted = options(part).await?,
                name => {
                    let detail = format!("There is no place for another part {:?}.", name.unwrap_or_default());
                    return Err(Problem::new(Code::InvalidRequest, detail).into());
                }
            }
        }
        let Some(received) = received else {
            let field = FieldError::new("/file", "required", "The part file is missing.");
            return Err(Problem::new(Code::InvalidRequest, field.detail.clone()).with_errors(vec![field]).into());
        };
        let digest = Sha256::new().chain_update(received.digest).chain_update(wanted.digest).finalize();
        let tx = call.begin_once(BodyDigest(digest.into())).await?;
        finish(call, id, tx, received, wanted).await
    }
}

async fn file(call: &Call<Write>, id: ImportId, part: Field) -> Result<Received, Problem> {
    let mut tx = call.begin().await?;
    store::create(&mut tx, &call.cause(), id, part.file_name().unwrap_or_default()).await?;
    tx.commit().await?;
    let limit = call.app.config.api.upload_body_max.to_usize() as u64;
    receive(&call.app.db, call.tenant(), id, part, limit).await
}

async fn finish(
    call: &Call<Write>,
    id: ImportId,
    mut tx: Once<Tx>,
    received: Received,
    wanted: Wanted,
) -> Written<Uploaded> {
    let file = match received.file {
        Ok(file) => file,
        Err(error) => {
            return Err(faults::unreadable(&error).into());
        }
    };
    let (mapping, options) = (wanted.mapping.as_deref(), &wanted.options);
    store::uploaded(&mut tx, &call.cause(), id, received.bytes, &file, mapping, options).await?;
    let country = default_country(&mut tx).await?;
    if wanted.start {
        let trace = patchbay_service::telemetry::current_traceparent();
        let request = StartRequest { mapping: wanted.mapping, options: None, dry_run: wanted.dry_run, trace };
        let started = store::start(&mut tx, &call.cause(), id, request).await;
        let import = started.map_err(|error| faults::not_started(error, "/options"))?;
        let job = job_of(&import)?;
        let reply = Accepted { job, run_at: None, record: Import::of(import, country) };
        return tx.finish(Uploaded::Started(reply)).await;
    }
    let import = store::get(&mut tx, id).await?;
    let reply = Created { location: format!("/v1/imports/{id}"), record: Import::of(import, country) };
    tx.finish(Uploaded::Made(reply)).await
}

/// The job of an import that was started.
pub(super) fn job_of(import: &domain::Import) -> Result<patchbay_db::ids::JobId, Problem> {
    import.job_id.ok_or_else(|| Problem::internal("an import that was started has no job"))
}

/// Forgets an upload that came to nothing. Where that fails too, the sweep does it.
async fn take_back(db: &Db, tenant: TenantId, id: ImportId) {
    let taken_back = async {
        let mut tx = db.begin(tenant).await?;
        store::forget(&mut tx, id).await?;
        tx.commit().await
    };
    if let Err(error) = taken_back.await {
        tracing::warn!(import = %id, %error, "an upload that came to nothing was left to the sweep");
    }
}

async fn options(part: Field) -> Result<Wanted, Refusal> {
    use tokio::io::AsyncReadExt;
    let mut text = Vec::new();
    let mut reader = Box::pin(part.into_async_read());
    let read = (&mut reader).take(OPTIONS_BYTES + 1).read_to_end(&mut text).await;
    read.map_err(|error| Problem::new(Code::InvalidRequest, "The part options broke off.").caused_by(error))?;
    if text.len() as u64 > OPTIONS_BYTES {
        return Err(Problem::new(Code::PayloadTooLarge, "The part options may have 64 KiB at most.").into());
    }
    let value: Value = serde_json::from_slice(&text)
        .map_err(|_| Problem::new(Code::MalformedJson, "The part options is not valid JSON."))?;
    let mut findings = Checker::of::<ImportUploadOptions>().check(&value);
    if !findings.is_empty() {
        findings.iter_mut().for_each(|finding| finding.pointer.insert_str(0, "/options"));
        let detail = "The part options does not have the documented form; see errors.";
        return Err(Problem::new(Code::InvalidRequest, detail).with_errors(findings).into());
    }
    let digest = BodyDigest::of_json(&value).0;
    let parsed = ImportUploadOptions::parse_from_json(Some(value))
        .map_err(|error| Problem::new(Code::InvalidRequest, error.into_message()))?;
    let options =
        ImportOptions { default_country: parsed.default_country, dedupe: parsed.dedupe, consent: parsed.consent };
    Ok(Wanted {
        mapping: parsed.mapping.map(|lines| lines.into_iter().map(Into::into).collect()),
        options: options.into_domain("/options")?,
        dry_run: parsed.dry_run,
        start: parsed.start,
        digest,
    })
}

impl Wanted {
    fn none() -> Self {
        Self { mapping: None, options: Options::default(), dry_run: false, start: false, digest: BodyDigest::empty().0 }
    }
}

fn malformed(error: poem::error::ParseMultipartError) -> Problem {
    Problem::new(Code::InvalidRequest, "The body is not well-formed multipart/form-data.").caused_by(error)
}
