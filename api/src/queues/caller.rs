//! A caller of either kind: these operations serve a tenant about its own share and the operator about all of it.
//!
//! What a tenant's key may see is decided where it always is, by the transaction's role; this only says which of the two
//! transactions to begin, and whose lanes are meant.

use std::ops::{Deref, DerefMut};

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use patchbay_db::{DbResult, SystemTx, Tx, TypedId, ids::TenantId};
use poem::{Request, RequestBody};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use crate::{
    app::App,
    http::{Call, Code, FieldError, Id, Problem, SystemCall, auth, keyring, scope::Scope},
};

/// A tenant's key with the scope `S`, or the system key.
pub(super) enum Caller<S> {
    /// A tenant's key.
    Tenant(Call<S>),
    /// The system key.
    System(SystemCall),
}

/// A transaction for reading, of either kind.
pub(super) enum Reading {
    Tenant(Tx),
    System(SystemTx),
}

impl<S: Scope> Caller<S> {
    pub(super) fn app(&self) -> &App {
        match self {
            Self::Tenant(call) => &call.app,
            Self::System(call) => &call.app,
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        match self {
            Self::Tenant(call) => call.now,
            Self::System(call) => call.now,
        }
    }

    pub(super) fn request_id(&self) -> &str {
        match self {
            Self::Tenant(call) => call.request_id(),
            Self::System(call) => call.request_id(),
        }
    }

    /// For the audit log.
    pub(super) fn actor(&self) -> String {
        match self {
            Self::Tenant(call) => call.actor(),
            Self::System(_) => "system".to_owned(),
        }
    }

    /// The tenant of the key, or none for the operator.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Tenant(call) => Some(call.tenant()),
            Self::System(_) => None,
        }
    }

    /// Whose share is meant: a tenant's key means its own and may say so; the operator names one or means all.
    ///
    /// # Errors
    /// `not_found` where a tenant's key names another tenant.
    pub(super) fn whose(&self, named: Option<Id<TenantId>>) -> Result<Option<TenantId>, Problem> {
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
    pub(super) fn one_of(&self, named: Option<Id<TenantId>>) -> Result<TenantId, Problem> {
        let detail = "Lanes belong to a tenant: name it in tenant_id.";
        let missing = || FieldError::new("?tenant_id", "required", detail);
        self.whose(named)?.ok_or_else(|| Problem::new(Code::InvalidRequest, detail).with_errors(vec![missing()]))
    }

    pub(super) async fn read(&self) -> DbResult<Reading> {
        match self {
            Self::Tenant(call) => Ok(Reading::Tenant(call.read().await?)),
            Self::System(call) => Ok(Reading::System(call.begin("queues are looked at by the operator").await?)),
        }
    }
}

impl Reading {
    pub(super) async fn commit(self) -> DbResult<()> {
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

/// The tenant under which a deed about `whose` share is written in the audit log.
pub(super) fn log_of(whose: Option<TenantId>) -> TenantId {
    whose.unwrap_or_else(|| TenantId::from_uuid(patchbay_queue::SYSTEM_TENANT))
}
