//! Provider accounts, opened and ready to send through.

use std::sync::Arc;

use patchbay_db::Db;
use patchbay_db::TypedId;
use patchbay_db::ids::{ProviderAccountId, TenantId};
use patchbay_domain::provider_accounts::{AccountCache, AccountError, Opened};
use patchbay_providers::{Account, Provider, ProviderKind, Registry};
use patchbay_queue::JobError;
use patchbay_service::Sealer;

use super::fault;

/// A provider and the account there.
#[derive(Debug)]
pub(super) struct Client {
    pub provider: Arc<dyn Provider>,
    pub account: Account,
}

/// The accounts of this process.
#[derive(Debug, Clone)]
pub(super) struct Accounts(Arc<AccountCache<Client>>);

impl Accounts {
    pub fn new(db: Db, sealer: Arc<Sealer>, providers: Registry) -> Self {
        let cache = AccountCache::new(db, sealer, move |account, secrets| {
            let kind: ProviderKind = account.kind.parse().map_err(|_| "no such provider".to_owned())?;
            let provider = providers.get(kind).ok_or_else(|| format!("{kind} is not part of this program"))?;
            let account = Account::new(account.id.uuid(), kind, &[&account.settings, secrets]);
            Ok(Client { provider: Arc::clone(provider), account })
        });
        Self(Arc::new(cache))
    }

    /// The account, ready to be used.
    pub async fn get(&self, tenant: TenantId, id: ProviderAccountId) -> Result<Arc<Opened<Client>>, JobError> {
        self.0.get(tenant, id).await.map_err(|error| match error {
            AccountError::Db(error) => fault::db(&error),
            AccountError::NotFound => JobError::permanent("provider_account_gone", "The provider account is gone."),
            AccountError::Unusable(why) => JobError::permanent("provider_account_unusable", why),
        })
    }

    pub fn forget(&self, id: ProviderAccountId) {
        self.0.forget(id);
    }
}
