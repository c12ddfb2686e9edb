//! A caller of either kind: these operations serve a tenant about its own share and the operator about all of it.
//!
//! What a tenant's key may see is decided where it always is, by the transaction's role; this only says which of the two
//! transactions to begin, and whose records are meant. The operator who acts on one tenant's records names it in
//! `tenant_id`, and acts in that tenant's own transaction: nothing that it does by mistake reaches another's.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use patchbay_db::{
    DbResult, SystemTx, Tx, TypedId,
    ids::{JobId, TenantId},
};
use patchbay_domain::{audit, events::Cause, jobs::told::Asked};
use poem::{Request, RequestBody};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};
use serde_json::Value;

use super::{
    auth,
    body::BodyDigest,
    call::{Call, SystemCall},
    code::Code,
    id::Id,
    idempotency::Once,
    keyring,
    problem::{FieldError, Problem},
    reply::Handled,
    scope::Scope,
};
use crate::app::App;

/// A tenant's key with the scope `S`, or the system key.
pub enum Caller<S> {
    /// A tenant's key.
    Tenant(Call<S>),
    /// The system key.
    System(SystemCall),
}

/// A transaction for reading, of either kind.
pub enum Reading {
    /// A tenant's.
    Tenant(Tx),
    /// Of everybody.
    System(SystemTx),
}

impl<S: Scope> Caller<S> {
    /// The state of the server.
    pub fn app(&self) -> &App {
        match self {
            Self::Tenant(call) => &call.app,
            Self::System(call) => &call.app,
        }
    }

    /// When the call came in.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::Tenant(call) => call.now,
            Self::System(call) => call.now,
        }
    }

    /// The id of the request, for jobs and events.
    pub fn request_id(&self) -> &str {
        match self {
            Self::Tenant(call) => call.request_id(),
            Self::System(call) => call.request_id(),
        }
    }

    /// For the audit log.
    pub fn actor(&self) -> String {
        match self {
            Self::Tenant(call) => call.actor(),
            Self::System(_) => "system".to_owned(),
        }
    }

    /// The tenant of the key, or none for the operator.
    pub fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Tenant(call) => Some(call.tenant()),
            Self::System(_) => None,
        }
    }

    /// Whose share is meant: a tenant's key means its own and may say so; the operator names one or means all.
    ///
    /// # Errors
    /// `not_found` where a tenant's key names another tenant.
    pub fn whose(&self, named: Option<Id<TenantId>>) -> Result<Option<TenantId>, Problem> {
        match (self.tenant(), named.map(|id| id.0)) {
            (Some(own), Some(named)) if own != named => Err(Problem::not_found("tenant")),
            (Some(own), _) => Ok(Some(own)),
            (None, named) => Ok(named),
        }
    }

    /// As [`whose`](Self::whose), for what is always one tenant's.
    ///
    /// # Errors
    /// `invalid_request` where the operator names nobody.
    pub fn one_of(&self, named: Option<Id<TenantId>>) -> Result<TenantId, Problem> {
        let detail = "This belongs to a tenant: name it in tenant_id.";
        let missing = || FieldError::new("?tenant_id", "required", detail);
        self.whose(named)?.ok_or_else(|| Problem::new(Code::InvalidRequest, detail).with_errors(vec![missing()]))
    }

    /// Who is told.
    pub fn asked(&self) -> Asked {
        match self {
            Self::Tenant(_) => Asked::Tenant,
            Self::System(_) => Asked::Operator,
        }
    }

    /// Writes in the log of `whose` (the installation's own where it is nobody's) that the caller did `action` to
    /// `subject`.
    ///
    /// # Errors
    /// As any write.
    pub async fn audit(
        &self,
        conn: &mut AsyncPgConnection,
        whose: Option<TenantId>,
        action: &'static str,
        subject: String,
        detail: Value,
    ) -> DbResult<()> {
        let entry = audit::Entry {
            id: self.app().db.new_id(self.now()),
            tenant: whose.unwrap_or_else(|| TenantId::from_uuid(patchbay_queue::SYSTEM_TENANT)),
            actor: &self.actor(),
            action,
            subject,
            detail,
            request_id: Some(self.request_id()),
            at: self.now(),
        };
        audit::record(conn, entry).await
    }

    /// What stands behind a change that the call makes, for events.
    pub fn cause(&self) -> Cause<'_> {
        match self {
            Self::Tenant(call) => call.cause(),
            Self::System(call) => call.cause(),
        }
    }

    /// Charges more than the one unit that every call costs; the operator pays nothing.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn charge(&self, units: u32) -> Result<(), Problem> {
        match self {
            Self::Tenant(call) => call.charge(units),
            Self::System(_) => Ok(()),
        }
    }

    /// A transaction of `tenant`'s for reading: one of [`one_of`](Self::one_of).
    ///
    /// # Errors
    /// As `Db::begin`.
    pub async fn read_of(&self, tenant: TenantId) -> DbResult<Tx> {
        self.app().db.begin_read(tenant).await
    }

    /// A transaction of `tenant`'s for PUT and DELETE.
    ///
    /// # Errors
    /// As `Db::begin`.
    pub async fn begin_of(&self, tenant: TenantId) -> DbResult<Tx> {
        self.app().db.begin(tenant).await
    }

    /// A transaction of `tenant`'s for POST: it honours the request's `Idempotency-Key`.
    ///
    /// # Errors
    /// As `Call::begin_once`.
    pub async fn begin_once_of(&self, tenant: TenantId, body: BodyDigest) -> Handled<Once<Tx>> {
        match self {
            Self::Tenant(call) => call.begin_once(body).await,
            Self::System(call) => call.begin_once_of(tenant, body).await,
        }
    }

    /// A transaction over all tenants for POST, where [`whose`](Self::whose) says nobody in particular.
    ///
    /// # Errors
    /// As `SystemCall::begin_once`; an internal one for a tenant's key, which always means its own.
    pub async fn begin_once_of_all(&self, reason: &'static str, body: BodyDigest) -> Handled<Once<SystemTx>> {
        match self {
            Self::Tenant(_) => Err(Problem::internal("a tenant's key is about to reach everybody's").into()),
            Self::System(call) => call.begin_once(reason, body).await,
        }
    }

    /// How long the caller is willing to wait for the answer (`Prefer: wait`).
    pub fn patience(&self) -> Duration {
        match self {
            Self::Tenant(call) => call.patience(),
            Self::System(call) => call.patience(),
        }
    }

    /// Waits for the end of `tenant`'s job, where the caller asked for that with `Prefer: wait`.
    ///
    /// # Errors
    /// As `Call::ended`.
    pub async fn ended(&self, tenant: TenantId, job: JobId) -> DbResult<bool> {
        match self {
            Self::Tenant(call) => call.ended(job).await,
            Self::System(call) => call.ended(tenant, job).await,
        }
    }

    /// A transaction for reading what [`whose`](Self::whose) says is meant: of that tenant, or of everybody.
    ///
    /// # Errors
    /// As any transaction.
    pub async fn read_whose(&self, whose: Option<TenantId>) -> DbResult<Reading> {
        match whose {
            Some(tenant) => Ok(Reading::Tenant(self.read_of(tenant).await?)),
            None => self.read().await,
        }
    }

    /// A transaction for reading what the caller may see.
    ///
    /// # Errors
    /// As any transaction.
    pub async fn read(&self) -> DbResult<Reading> {
        match self {
            Self::Tenant(call) => Ok(Reading::Tenant(call.read().await?)),
            Self::System(call) => Ok(Reading::System(call.begin("the operator looks at everybody's").await?)),
        }
    }
}

impl Reading {
    /// Ends it.
    ///
    /// # Errors
    /// As any commit.
    pub async fn commit(self) -> DbResult<()> {
        match self {
            Self::Tenant(tx) => tx.commit().await,
            Self::System(tx) => tx.commit().await,
        }
    }
}

impl Deref for Reading {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        match self {
            Self::Tenant(tx) => tx,
            Self::System(tx) => tx,
        }
    }
}

impl DerefMut for Reading {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        match self {
            Self::Tenant(tx) => tx,
            Self::System(tx) => tx,
        }
    }
}

impl<'a, S: Scope> ApiExtractor<'a> for Caller<S> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Call<S> as ApiExtractor<'_>>::register(registry);
        <SystemCall as ApiExtractor<'_>>::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        let mut schemes = <Call<S> as ApiExtractor<'_>>::security_schemes();
        schemes.extend(<SystemCall as ApiExtractor<'_>>::security_schemes());
        schemes
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        match auth::identify(request).await? {
            keyring::Caller::Tenant(_) => Ok(Self::Tenant(Call::from_request(request, body, options).await?)),
            keyring::Caller::System => Ok(Self::System(SystemCall::from_request(request, body, options).await?)),
        }
    }
}
