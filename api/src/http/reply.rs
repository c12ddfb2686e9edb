//! What a write answers with: the status, headers and body as bytes, so that they can be stored and replayed.
//!
//! A handler says `Created { … }` and gets an [`Answer`] back from `Once::finish`. The answer is rendered before the
//! transaction commits, since the idempotency key stores it there; nothing can fail between commit and answer.

use std::marker::PhantomData;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use poem::{
    IntoResponse, Response,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::ToJSON,
};

use super::problem::Problem;

/// Marks an answer that was stored by an earlier request with the same idempotency key.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

const JSON: &str = "application/json; charset=utf-8";

/// An answer as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The status.
    pub status: StatusCode,
    /// `Location`, where the answer has one.
    pub location: Option<String>,
    /// JSON; empty for answers without a body.
    pub body: Bytes,
    /// Whether it comes from the store.
    pub replayed: bool,
}

impl Rendered {
    fn json(status: StatusCode, location: Option<String>, body: &impl ToJSON) -> Self {
        Self { status, location, body: Bytes::from(body.to_json_string()), replayed: false }
    }
}

impl IntoResponse for Rendered {
    fn into_response(self) -> Response {
        let mut response = Response::builder().status(self.status).finish();
        if !self.body.is_empty() {
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
            response.set_body(self.body);
        }
        if let Some(location) = self.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        if self.replayed {
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// What a handler answers a write with.
pub trait Reply {
    /// Whether the answer shows something that the database must not hold in the clear.
    const SECRET: bool = false;

    /// For the API document.
    fn meta() -> MetaResponses;

    /// For the API document.
    fn register(registry: &mut Registry);

    /// As bytes.
    fn render(&self) -> Rendered;

    /// Until when the work it stands for is planned to wait: idempotency keys are kept from then on.
    fn scheduled_at(&self) -> Option<DateTime<Utc>> {
        None
    }
}

/// 200 with a record.
#[derive(Debug)]
pub struct Done<T>(pub T);

/// 201 with the record that was made, and where it is.
#[derive(Debug)]
pub struct Created<T> {
    /// Its path, such as `/v1/templates/tpl_…`.
    pub location: String,
    /// The record.
    pub record: T,
}

/// An answer that shows a secret, this once: it is stored sealed.
#[derive(Debug)]
pub struct Secret<R>(pub R);

impl<R: Reply> Reply for Secret<R> {
    const SECRET: bool = true;

    fn meta() -> MetaResponses {
        R::meta()
    }

    fn register(registry: &mut Registry) {
        R::register(registry);
    }

    fn render(&self) -> Rendered {
        self.0.render()
    }

    fn scheduled_at(&self) -> Option<DateTime<Utc>> {
        self.0.scheduled_at()
    }
}

/// 202 with the record and the job that works on it.
#[derive(Debug)]
pub struct Accepted<T> {
    /// The job: the answer's `Location` is `/v1/jobs/{job}`.
    pub job: patchbay_db::ids::JobId,
    /// When the job is planned to run, if later than now.
    pub run_at: Option<DateTime<Utc>>,
    /// The record.
    pub record: T,
}

fn meta(status: StatusCode, description: &'static str, schema: MetaSchemaRef, location: Option<&str>) -> MetaResponses {
    let header = |description: &str| MetaHeader {
        name: "Location".to_owned(),
        description: Some(description.to_owned()),
        required: true,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
    };
    let response = MetaResponse {
        description,
        status: Some(status.as_u16()),
        status_range: None,
        content: vec![MetaMediaType { content_type: "application/json", schema }],
        headers: location.map(header).into_iter().collect(),
    };
    MetaResponses { responses: vec![response] }
}

impl<T: ToJSON> Reply for Done<T> {
    fn meta() -> MetaResponses {
        meta(StatusCode::OK, "It is done.", T::schema_ref(), None)
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn render(&self) -> Rendered {
        Rendered::json(StatusCode::OK, None, &self.0)
    }
}

impl<T: ToJSON> Reply for Created<T> {
    fn meta() -> MetaResponses {
        meta(StatusCode::CREATED, "It was made.", T::schema_ref(), Some("The path of the record."))
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn render(&self) -> Rendered {
        Rendered::json(StatusCode::CREATED, Some(self.location.clone()), &self.record)
    }
}

impl<T: ToJSON> Reply for Accepted<T> {
    fn meta() -> MetaResponses {
        let description = "It is accepted; the job does the work.";
        meta(StatusCode::ACCEPTED, description, T::schema_ref(), Some("The path of the job."))
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn render(&self) -> Rendered {
        Rendered::json(StatusCode::ACCEPTED, Some(format!("/v1/jobs/{}", self.job)), &self.record)
    }

    fn scheduled_at(&self) -> Option<DateTime<Utc>> {
        self.run_at
    }
}

/// An answer that was committed, or one that an earlier request left. Documented as `R`.
#[derive(Debug)]
pub struct Answer<R> {
    rendered: Rendered,
    reply: PhantomData<fn() -> R>,
}

impl<R> Answer<R> {
    /// The committed form of a reply.
    #[must_use]
    pub fn of(rendered: Rendered) -> Self {
        Self { rendered, reply: PhantomData }
    }
}

impl<T: ToJSON> Answer<Accepted<T>> {
    /// The same answer with a newer state of the record, for a caller who waited.
    #[must_use]
    pub fn with_record(mut self, record: &T) -> Self {
        self.rendered.body = Bytes::from(record.to_json_string());
        self
    }
}

impl<T: ToJSON> Answer<Done<T>> {
    /// The same answer with a newer state of the record, for a caller who waited.
    #[must_use]
    pub fn with_record(mut self, record: &T) -> Self {
        self.rendered.body = Bytes::from(record.to_json_string());
        self
    }
}

impl<R> IntoResponse for Answer<R> {
    fn into_response(self) -> Response {
        self.rendered.into_response()
    }
}

impl<R: Reply> ApiResponse for Answer<R> {
    fn meta() -> MetaResponses {
        R::meta()
    }

    fn register(registry: &mut Registry) {
        R::register(registry);
    }
}

/// Why a handler has no answer of its own: a problem, or an answer that is already stored.
#[derive(Debug)]
pub enum Refusal {
    /// The request is refused or failed.
    Problem(Problem),
    /// The request was answered before.
    Replay(Rendered),
}

impl<E: Into<Problem>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

impl From<Refusal> for poem::Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Problem(problem) => problem.into(),
            Refusal::Replay(rendered) => Self::from_response(rendered.into_response()),
        }
    }
}

/// Problems are added to the document for all operations at once, in `openapi/problems.rs`.
impl ApiResponse for Refusal {
    fn meta() -> MetaResponses {
        MetaResponses { responses: Vec::new() }
    }

    fn register(_: &mut Registry) {}
}

/// What a handler returns.
pub type Handled<T> = Result<T, Refusal>;

/// What a handler that writes returns.
pub type Written<R> = Handled<Answer<R>>;
