//! The first argument of every operation: who calls, and what the call needs.
//!
//! `Call<Scope>` is for tenants' keys, [`SystemCall`] for the system key. Making one is the whole of authentication,
//! authorization and rate limiting, in that order, so a handler that runs has passed all three.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use patchbay_db::{
    DbResult, SystemTx, Tx, TypedId,
    ids::{JobId, TenantId},
};
use patchbay_domain::{api_keys::KeyRecord, events::Cause, idempotency::Slot};
use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};
use uuid::Uuid;

use super::{
    auth,
    body::BodyDigest,
    code::Code,
    door,
    exchange::Exchange,
    idempotency::{self, Once},
    keyring::Caller,
    operations::Operations,
    prefer::Preference,
    problem::Problem,
    reply::Handled,
    scope::{self, Scope},
};
use crate::app::App;

/// A call by a tenant whose key has the scope `S`.
pub struct Call<S> {
    /// The state of the server.
    pub app: App,
    /// The key that was used.
    pub key: Arc<KeyRecord>,
    /// When the call came in.
    pub now: DateTime<Utc>,
    request: Envelope,
    scope: PhantomData<S>,
}

/// A call with the system key.
pub struct SystemCall {
    /// The state of the server.
    pub app: App,
    /// When the call came in.
    pub now: DateTime<Utc>,
    request: Envelope,
}

/// What a call keeps of its request.
struct Envelope {
    exchange: Exchange,
    operation: String,
    target: String,
    headers: poem::http::HeaderMap,
}

impl Envelope {
    fn of(request: &Request) -> Result<Self, Problem> {
        let operation = Operations::of(request).check(request)?;
        let target = format!("{} {}", request.method(), request.uri());
        Ok(Self { exchange: auth::exchange(request).clone(), operation, target, headers: request.headers().clone() })
    }

    fn slot(&self, tenant: Uuid, body: BodyDigest) -> Result<Option<Slot>, Problem> {
        idempotency::slot(&self.headers, tenant, &self.operation, &self.target, body)
    }

    fn patience(&self) -> Duration {
        Preference::of(&self.headers).wait
    }

    async fn ended(&self, app: &App, tenant: TenantId, job: JobId) -> DbResult<bool> {
        let wait = self.patience();
        if wait.is_zero() {
            return Ok(false);
        }
        app.jobs.ended(tenant, job, wait).await
    }
}

impl<S: Scope> Call<S> {
    /// Whose data it is about.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.key.tenant_id
    }

    /// The id of the request, for jobs and events.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.request.exchange.request_id()
    }

    /// What stands behind a change that it makes, for events.
    #[must_use]
    pub fn cause(&self) -> Cause<'_> {
        Cause { ids: self.app.db.ids(), now: self.now, request_id: Some(self.request_id()) }
    }

    /// Who did it, for the audit log.
    #[must_use]
    pub fn actor(&self) -> String {
        self.key.id.to_string()
    }

    /// A transaction for reading.
    ///
    /// # Errors
    /// As `Db::begin`.
    pub async fn read(&self) -> DbResult<Tx> {
        self.app.db.begin_read(self.tenant()).await
    }

    /// A transaction for PATCH, PUT and DELETE, which are idempotent by themselves.
    ///
    /// # Errors
    /// As `Db::begin`.
    pub async fn begin(&self) -> DbResult<Tx> {
        self.app.db.begin(self.tenant()).await
    }

    /// A transaction for POST: it honours the request's `Idempotency-Key`. `body` is what the request says.
    ///
    /// # Errors
    /// As [`Once::begin`]; the `?` of a handler turns a stored answer into the answer.
    pub async fn begin_once(&self, body: BodyDigest) -> Handled<Once<Tx>> {
        let slot = self.request.slot(self.tenant().uuid(), body)?;
        Once::begin(self.begin().await?, slot, self.app.terms(), self.now).await
    }

    /// Asks for room for `jobs` more of the tenant in `queue`, in the transaction that enqueues them.
    ///
    /// # Errors
    /// `queue_full`; the database's.
    pub async fn admit(&self, conn: &mut AsyncPgConnection, queue: &str, jobs: usize) -> Result<(), Problem> {
        door::admit(&self.app.depth, conn, self.tenant(), queue, jobs).await
    }

    /// Charges more than the one unit that every call costs, before the work is done.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn charge(&self, units: u32) -> Result<(), Problem> {
        let budget = self.app.limits.charge(self.key.id.uuid(), self.tenant().uuid(), units)?;
        self.request.exchange.set_budget(budget);
        Ok(())
    }

    /// How long the caller is willing to wait for the answer (`Prefer: wait`).
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.request.patience()
    }

    /// Waits for the end of `job` as long as the caller asked for with `Prefer: wait`. Whether it has ended; false at once
    /// where the caller did not ask.
    ///
    /// # Errors
    /// As any query; the work is committed by then, so the handler may answer without.
    pub async fn ended(&self, job: JobId) -> DbResult<bool> {
        self.request.ended(&self.app, self.tenant(), job).await
    }
}

impl SystemCall {
    /// The id of the request, for jobs and events.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.request.exchange.request_id()
    }

    /// What stands behind a change that it makes, for events.
    #[must_use]
    pub fn cause(&self) -> Cause<'_> {
        Cause { ids: self.app.db.ids(), now: self.now, request_id: Some(self.request_id()) }
    }

    /// A transaction over all tenants, for `reason`.
    ///
    /// # Errors
    /// As `Db::system`.
    pub async fn begin(&self, reason: &'static str) -> DbResult<SystemTx> {
        self.app.db.system(reason).await
    }

    /// As [`SystemCall::begin`], for POST: it honours the request's `Idempotency-Key`.
    ///
    /// # Errors
    /// As [`Once::begin`].
    pub async fn begin_once(&self, reason: &'static str, body: BodyDigest) -> Handled<Once<SystemTx>> {
        let slot = self.request.slot(Uuid::nil(), body)?;
        Once::begin(self.begin(reason).await?, slot, self.app.terms(), self.now).await
    }

    /// A transaction of one tenant's for a POST that the operator makes on its records; the answer is kept with them.
    ///
    /// # Errors
    /// As [`Once::begin`].
    pub async fn begin_once_of(&self, tenant: TenantId, body: BodyDigest) -> Handled<Once<Tx>> {
        let slot = self.request.slot(tenant.uuid(), body)?;
        Once::begin(self.app.db.begin(tenant).await?, slot, self.app.terms(), self.now).await
    }

    /// How long the caller is willing to wait for the answer (`Prefer: wait`).
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.request.patience()
    }

    /// As [`Call::ended`], of a job of `tenant`.
    ///
    /// # Errors
    /// As there.
    pub async fn ended(&self, tenant: TenantId, job: JobId) -> DbResult<bool> {
        self.request.ended(&self.app, tenant, job).await
    }
}

fn bearer(description: &'static str) -> MetaSecurityScheme {
    MetaSecurityScheme {
        ty: "http",
        description: Some(description),
        name: None,
        key_in: None,
        scheme: Some("bearer"),
        bearer_format: Some("pb_…"),
        flows: None,
        openid_connect_url: None,
    }
}

impl<'a, S: Scope> ApiExtractor<'a> for Call<S> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let description = "A tenant's API key, `pb_test_…` or `pb_live_…`. Each operation names the scope it needs.";
        registry.create_security_scheme(scope::SCHEME_PREFIX.trim_ascii_end(), bearer(description));
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![S::SCHEME]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let app = auth::app(request);
        let Caller::Tenant(key) = auth::identify(request).await? else {
            return Err(auth::wrong_kind("a tenant's API key, not the system key").into());
        };
        let exchange = auth::exchange(request);
        exchange.set_tenant(key.tenant_id);
        exchange.set_budget(app.limits.charge(key.id.uuid(), key.tenant_id.uuid(), 1)?);
        if !scope::allows(&key.scopes, S::CODE) {
            return Err(Problem::new(Code::Forbidden, format!("The operation needs the scope {}.", S::CODE)).into());
        }
        let request = Envelope::of(request)?;
        Ok(Self { app: app.clone(), key, now: app.clock.now(), request, scope: PhantomData })
    }
}

impl<'a> ApiExtractor<'a> for SystemCall {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let description = "The system key, `pb_sys_…`: for the people who run this installation.";
        registry.create_security_scheme(scope::SYSTEM_SCHEME, bearer(description));
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![scope::SYSTEM_SCHEME]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let app = auth::app(request);
        let Caller::System = auth::identify(request).await? else {
            return Err(auth::wrong_kind("the system key, not a tenant's").into());
        };
        Ok(Self { app: app.clone(), now: app.clock.now(), request: Envelope::of(request)? })
    }
}
