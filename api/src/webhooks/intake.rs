//! The way of a webhook into the store: whose it is, whether it is real, and a commit that it shares with others.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use patchbay_db::{
    Db, DbError, TypedId,
    ids::{ProviderAccountId, TenantId},
};
use patchbay_domain::messages::raw::{self, NewRaw, RawKind};
use patchbay_domain::payload_seal::PayloadSeal;
use patchbay_domain::provider_accounts::{AccountCache, AccountError, Opened};
use patchbay_jobs::webhook::Webhook;
use patchbay_providers::{Account, Provider, ProviderKind, PublicUrl, Registry, SignatureError, WebhookRequest};
use patchbay_queue::group_commit::{GroupCommit, GroupSize};
use patchbay_service::{Clock, Sealer, config::ApiConfig};
use poem::Request;

use crate::http::{Code, Problem, auth};

/// Webhooks of one transaction, and of one tenant waiting for theirs. No provider minds 5 ms more; one that calls with a
/// bounded number of connections would be held up by much more than that.
const SIZE: GroupSize = GroupSize { set: 500, waiting: 5_000, pause: Duration::from_millis(5) };

/// What a webhook's account can do.
struct Client {
    kind: ProviderKind,
    provider: Arc<dyn Provider>,
    account: Account,
}

/// Takes webhooks in. One a process; cheap to clone.
#[derive(Clone)]
pub struct Intake {
    accounts: Arc<AccountCache<Client>>,
    store: GroupCommit<TenantId, NewRaw, (), Arc<DbError>>,
    public: PublicUrl,
}

impl Intake {
    /// The intake of this process.
    #[must_use]
    pub fn new(db: &Db, clock: &Arc<dyn Clock>, sealer: &Sealer, providers: Registry, api: &ApiConfig) -> Self {
        let accounts = AccountCache::new(db.clone(), Arc::new(sealer.clone()), move |account, secrets| {
            let kind: ProviderKind = account.kind.parse().map_err(|_| "no such provider".to_owned())?;
            let provider = providers.get(kind).ok_or_else(|| format!("{kind} is not part of this program"))?;
            let account = Account::new(account.id.uuid(), kind, &[&account.settings, secrets]);
            Ok(Client { kind, provider: Arc::clone(provider), account })
        });
        let (db, clock) = (db.clone().sealing(Arc::new(PayloadSeal::new(sealer.clone()))), Arc::clone(clock));
        let store = GroupCommit::new(SIZE, move |tenant, webhooks: Vec<NewRaw>| {
            let (db, clock) = (db.clone(), Arc::clone(&clock));
            async move {
                let mut tx = db.begin(tenant).await.map_err(Arc::new)?;
                let stored = vec![(); webhooks.len()];
                raw::store(&mut tx, db.ids(), clock.now(), webhooks).await.map_err(Arc::new)?;
                tx.commit().await.map_err(Arc::new)?;
                Ok(stored)
            }
        });
        let public = PublicUrl::new(&api.public_url, api.trust_forwarded);
        Self { accounts: Arc::new(accounts), store, public }
    }

    /// Forgets what is kept of an account, since it was changed.
    pub fn forget(&self, account: ProviderAccountId) {
        self.accounts.forget(account);
    }

    /// Verifies and stores one webhook of `kind`'s account `id`; returns once it is committed.
    ///
    /// # Errors
    /// `not_found` for an account that is none of this provider's, `invalid_signature`, and what the database answers.
    pub(super) async fn take(
        &self,
        kind: ProviderKind,
        id: ProviderAccountId,
        what: RawKind,
        request: &Request,
        body: Bytes,
    ) -> Result<(), Problem> {
        let opened = self.account(kind, id).await?;
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let webhook = WebhookRequest {
            method: request.method().clone(),
            urls: self.public.candidates(target, request.headers()),
            headers: request.headers().clone(),
            body,
        };
        let opened = match opened.client.provider.verify(&opened.client.account, &webhook) {
            Ok(()) => opened,
            Err(error) => self.once_more(kind, id, &webhook, request, error).await?,
        };
        let exchange = auth::exchange(request);
        exchange.set_tenant(opened.tenant);
        let trace = patchbay_service::telemetry::current_traceparent();
        let raw = NewRaw {
            kind: what,
            webhook: Webhook {
                account: id,
                provider: kind.to_string(),
                body: webhook.body.to_vec(),
                query: request.uri().query().unwrap_or_default().to_owned(),
                received_at: auth::app(request).clock.now(),
            },
            cause: (trace, Some(exchange.request_id().to_owned())),
        };
        self.store.submit(opened.tenant, raw).await.map_err(unavailable)
    }

    async fn account(&self, kind: ProviderKind, id: ProviderAccountId) -> Result<Arc<Opened<Client>>, Problem> {
        let opened = self.accounts.get_any(id).await.map_err(|error| match error {
            AccountError::NotFound => Problem::not_found("provider account"),
            error => unavailable(error),
        })?;
        if opened.client.kind == kind { Ok(opened) } else { Err(Problem::not_found("provider account")) }
    }

    /// The account's token may have been changed a moment ago by another process: it is read anew, at the price of a
    /// failed attempt for the caller's address.
    async fn once_more(
        &self,
        kind: ProviderKind,
        id: ProviderAccountId,
        webhook: &WebhookRequest,
        request: &Request,
        error: SignatureError,
    ) -> Result<Arc<Opened<Client>>, Problem> {
        if let Some(address) = request.remote_addr().as_socket_addr() {
            auth::exchange(request).set_budget(auth::app(request).limits.charge_address(address.ip())?);
        }
        let wrong = |error: SignatureError| {
            Problem::new(Code::InvalidSignature, "The signature does not match the request.").caused_by(error)
        };
        if error != SignatureError::Mismatch {
            return Err(wrong(error));
        }
        self.accounts.forget(id);
        let opened = self.account(kind, id).await?;
        opened.client.provider.verify(&opened.client.account, webhook).map_err(wrong)?;
        Ok(opened)
    }
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Intake")
    }
}

/// The provider is to call again: whatever the cause, the webhook is not stored.
fn unavailable(cause: impl std::error::Error + Send + Sync + 'static) -> Problem {
    Problem::new(Code::Unavailable, "The webhook could not be stored. Please call again.")
        .retry_after(Duration::from_secs(1))
        .caused_by(cause)
}
