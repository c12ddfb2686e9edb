//! Opened accounts, kept for a few seconds by each process.
//!
//! Opening credentials and reading their row for every message and every webhook would be most of the work of
//! both. What is kept is short-lived instead of invalidated across processes: a changed account is seen everywhere
//! within [`KEPT`], and its status is checked in the claim statement anyway. Broken by keeping entries for long: a
//! revoked token would still verify.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use patchbay_db::ids::{ProviderAccountId, TenantId};
use patchbay_db::{Db, DbError};
use patchbay_service::Sealer;
use serde_json::Value;

use super::credentials::{self, CredentialsError};
use super::model::AccountStatus;
use super::sealed::{SealedAccount, find_tenant, sealed};

/// How long an opened account is used without looking.
pub const KEPT: Duration = Duration::from_secs(5);
/// Accounts kept at once; beyond it the stale ones go.
const MOST: usize = 10_000;

/// Why an account cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccountError {
    /// The tenant has no such account.
    #[error("no such provider account")]
    NotFound,
    /// Its credentials do not open, or this process does not know its provider. Says nothing secret.
    #[error("the provider account cannot be used: {0}")]
    Unusable(String),
    /// The database's.
    #[error("the provider account could not be read")]
    Db(#[source] Arc<DbError>),
}

impl From<DbError> for AccountError {
    fn from(error: DbError) -> Self {
        if matches!(error, DbError::NotFound) { Self::NotFound } else { Self::Db(Arc::new(error)) }
    }
}

impl From<CredentialsError> for AccountError {
    fn from(error: CredentialsError) -> Self {
        Self::Unusable(error.to_string())
    }
}

/// An account that is ready to be used.
#[derive(Debug)]
pub struct Opened<T> {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its id.
    pub id: ProviderAccountId,
    /// Whether it may be used.
    pub status: AccountStatus,
    /// Which version of the row this is.
    pub version: DateTime<Utc>,
    /// What the process made of it.
    pub client: T,
}

type Kept<T> = HashMap<ProviderAccountId, (Instant, Arc<Opened<T>>)>;
type Build<T> = dyn Fn(&SealedAccount, &Value) -> Result<T, String> + Send + Sync;

/// Opened accounts of one process.
pub struct AccountCache<T> {
    db: Db,
    sealer: Arc<Sealer>,
    build: Box<Build<T>>,
    kept: Mutex<Kept<T>>,
}

impl<T> std::fmt::Debug for AccountCache<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountCache")
    }
}

impl<T> AccountCache<T> {
    /// A cache that makes its clients with `build`, out of the account and its opened secrets.
    pub fn new(
        db: Db,
        sealer: Arc<Sealer>,
        build: impl Fn(&SealedAccount, &Value) -> Result<T, String> + Send + Sync + 'static,
    ) -> Self {
        Self { db, sealer, build: Box::new(build), kept: Mutex::default() }
    }

    /// The account `id` of `tenant`.
    ///
    /// # Errors
    /// See [`AccountError`].
    pub async fn get(&self, tenant: TenantId, id: ProviderAccountId) -> Result<Arc<Opened<T>>, AccountError> {
        match self.fresh(id) {
            Some(opened) if opened.tenant == tenant => Ok(opened),
            Some(_) => Err(AccountError::NotFound),
            None => self.open(tenant, id).await,
        }
    }

    /// The account `id`, whoever's it is: for a webhook, which names nothing else.
    ///
    /// # Errors
    /// See [`AccountError`].
    pub async fn get_any(&self, id: ProviderAccountId) -> Result<Arc<Opened<T>>, AccountError> {
        if let Some(opened) = self.fresh(id) {
            return Ok(opened);
        }
        let mut tx = self.db.system("a webhook names the provider account only").await?;
        let tenant = find_tenant(&mut tx, id).await?;
        tx.commit().await?;
        self.open(tenant, id).await
    }

    /// Forgets the account: the next use reads it anew.
    pub fn forget(&self, id: ProviderAccountId) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, id: ProviderAccountId) -> Option<Arc<Opened<T>>> {
        let kept = self.lock();
        let (since, opened) = kept.get(&id)?;
        (since.elapsed() < KEPT).then(|| Arc::clone(opened))
    }

    async fn open(&self, tenant: TenantId, id: ProviderAccountId) -> Result<Arc<Opened<T>>, AccountError> {
        let since = Instant::now();
        let mut tx = self.db.begin_read(tenant).await?;
        let account = sealed(&mut tx, id).await?;
        tx.commit().await?;
        let secrets = credentials::open(&self.sealer, tenant, id, &account.credentials)?;
        let client = (self.build)(&account, &secrets).map_err(AccountError::Unusable)?;
        let opened = Arc::new(Opened { tenant, id, status: account.status, version: account.updated_at, client });
        let mut kept = self.lock();
        if kept.len() >= MOST {
            kept.retain(|_, (since, _)| since.elapsed() < KEPT);
        }
        kept.insert(id, (since, Arc::clone(&opened)));
        Ok(opened)
    }
}
