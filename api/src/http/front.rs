//! The front door: every request comes in here and every answer leaves here.
//!
//! In: the request's id, its notes and its span, before anything can fail. Out: errors in the one shape, the headers
//! that every answer has, the log line and the metrics. A panic or a timeout inside ends as an answer like any other.
//! It is broken by wrapping another middleware around it: what that answers has no request id and no shape.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use poem::{
    Endpoint, PathPattern, Request, Response, Result,
    http::{HeaderValue, Method, StatusCode, header},
};
use tokio::time::{Instant, timeout};
use tracing::{Instrument, Span, field};

use super::{
    catch, code::Code, exchange::Exchange, metrics, operations::Operations, prefer::Preference, problem::Problem,
    request_id,
};
use crate::app::App;

/// An upload takes as long as it takes; its own pace is watched (`imports/form.rs`).
const UNBOUNDED: Duration = Duration::from_secs(24 * 60 * 60);

/// Where uploads go. Elsewhere a body that claims to be one has no more time than another: webhooks take no key.
const UPLOADS: &str = "/v1/imports";

/// What the paths take that are no operations: probes, metrics, documents.
const READ_ONLY: HeaderValue = HeaderValue::from_static("GET, HEAD");

/// Wraps the router.
pub struct Front<E> {
    inner: E,
    app: App,
    operations: Operations,
    base: String,
}

impl<E: Endpoint<Output = Response>> Front<E> {
    /// The front door of `inner`.
    #[must_use]
    pub fn new(inner: E, app: App, operations: Operations) -> Self {
        let base = app.config.api.public_url.as_str().trim_end_matches('/').to_owned();
        Self { inner, app, operations, base }
    }

    async fn answer(&self, request: Request, exchange: &Exchange) -> (Response, Option<PathPattern>) {
        let limit = self.time_for(&request);
        let address = request.remote_addr().as_socket_addr().map(|address| address.ip());
        let inner = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let result = match timeout(limit, inner).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(Problem::internal(format!("a handler panicked: {}", text_of(&*panic))).into()),
            Err(_) => Err(Problem::new(Code::Timeout, "The request took too long.")
                .retry_after(Duration::from_secs(1))
                .into()),
        };
        let (mut response, pattern) = match result {
            Ok(response) => {
                let pattern = response.data::<PathPattern>().cloned();
                (response, pattern)
            }
            Err(error) => {
                let pattern = error.data::<PathPattern>().cloned();
                (self.tell(error, pattern.as_ref(), exchange), pattern)
            }
        };
        if exchange.budget().is_none()
            && let Some(budget) = address.and_then(|address| self.app.limits.charge_address(address).ok())
        {
            exchange.set_budget(budget);
        }
        self.dress(&mut response, exchange);
        (response, pattern)
    }

    fn time_for(&self, request: &Request) -> Duration {
        let is_upload = request.content_type().is_some_and(|given| given.starts_with("multipart/"));
        if is_upload && request.uri().path() == UPLOADS {
            return UNBOUNDED;
        }
        self.app.config.api.request_timeout + Preference::of(request.headers()).wait
    }

    /// The answer for an error; the cause goes to the log.
    fn tell(&self, error: poem::Error, pattern: Option<&PathPattern>, exchange: &Exchange) -> Response {
        if error.is_from_response() {
            return error.into_response();
        }
        let problem = catch::problem_of(error);
        let (code, chain) = (problem.code(), problem.chain());
        if code.status().is_server_error() {
            tracing::error!(code = code.as_str(), cause = %chain, "the request failed");
        } else if !chain.is_empty() {
            tracing::debug!(code = code.as_str(), cause = %chain, "the request was refused");
        }
        let mut response = catch::answer(&problem, &self.base, exchange.request_id());
        if code == Code::MethodNotAllowed {
            let route = pattern.and_then(|pattern| self.operations.route(pattern));
            let allow = route.map_or(READ_ONLY, |route| route.allow.clone());
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }

    fn dress(&self, response: &mut Response, exchange: &Exchange) {
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(exchange.request_id()) {
            headers.insert(request_id::HEADER, id);
        }
        if let Some(budget) = exchange.budget() {
            let (policy, state) = self.app.limits.headers(budget);
            headers.insert("ratelimit-policy", policy);
            headers.insert("ratelimit", state);
        }
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Front<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let since = Instant::now();
        let exchange = Exchange::new(request_id::accept_or_make(request.headers(), &*self.app.entropy));
        let method = request.method().clone();
        let span = span(&method, &request, &exchange);
        request.set_data(exchange.clone());
        request.set_data(self.app.clone());
        request.set_data(self.operations.clone());
        let (response, pattern) = self.answer(request, &exchange).instrument(span.clone()).await;
        let route = pattern.as_ref().map_or("none", |pattern| {
            self.operations.route(pattern).map_or(&*pattern.0, |route| route.template.as_str())
        });
        finish(&span, &exchange, route, response.status());
        metrics::record(&method, route, response.status(), since.elapsed());
        Ok(response)
    }
}

fn span(method: &Method, request: &Request, exchange: &Exchange) -> Span {
    let span = tracing::info_span!(
        "http",
        otel.kind = "server",
        request_id = exchange.request_id(),
        %method,
        route = field::Empty,
        tenant = field::Empty,
        status = field::Empty,
    );
    patchbay_service::telemetry::span_with_parent(span, request.header("traceparent"))
}

fn finish(span: &Span, exchange: &Exchange, route: &str, status: StatusCode) {
    span.record("route", route);
    span.record("status", status.as_u16());
    if let Some(tenant) = exchange.tenant() {
        span.record("tenant", field::display(tenant));
    }
    // A campaign's receipts are two lines for each text: whoever wants them asks for them.
    if status.is_success() && route.starts_with("/v1/webhooks/") {
        span.in_scope(|| tracing::debug!("answered"));
    } else {
        span.in_scope(|| tracing::info!("answered"));
    }
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}
