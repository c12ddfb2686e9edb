//! Whose key is this? Looked up by its SHA-256, remembered for seconds.
//!
//! Keys are 192 random bits, so a plain hash is enough: there is nothing to guess, and a slow hash would cost every request.
//! A found key is remembered for [`REMEMBERED`], which bounds how long a revoked key still works; keys that are not
//! found are not remembered, so that the memory cannot be filled by guessing.
//! Last use is written in batches by [`Keyring::write_uses`]: one UPDATE a few times a minute instead of one a request.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use dashmap::DashMap;
use patchbay_db::{Db, DbResult, ids::ApiKeyId, ids::TenantId};
use patchbay_domain::api_keys::{self, KeyRecord};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::{code::Code, problem::Problem};

/// How long a key is believed without asking the database again.
pub const REMEMBERED: Duration = Duration::from_secs(5);

/// Above this many remembered keys, old ones are dropped on the way.
const SWEEP_ABOVE: usize = 10_000;

/// Who calls.
#[derive(Debug, Clone)]
pub enum Caller {
    /// The operator of the installation.
    System,
    /// A tenant, by one of its keys.
    Tenant(Arc<KeyRecord>),
}

/// The keys of this installation.
pub struct Keyring {
    db: Db,
    system: Option<[u8; 32]>,
    known: DashMap<[u8; 32], (Instant, Arc<KeyRecord>)>,
    uses: DashMap<ApiKeyId, (TenantId, DateTime<Utc>)>,
}

impl Keyring {
    /// A keyring that knows the system key, if one is configured.
    #[must_use]
    pub fn new(db: Db, system_key: Option<&SecretString>) -> Self {
        let system = system_key.map(|key| hash(key.expose_secret()));
        Self { db, system, known: DashMap::new(), uses: DashMap::new() }
    }

    /// Who the bearer of `token` is.
    ///
    /// # Errors
    /// `unauthenticated`, `key_revoked`, `key_expired`, `tenant_suspended`.
    pub async fn identify(&self, token: &str, now: DateTime<Utc>) -> Result<Caller, Problem> {
        let hash = hash(token);
        if self.system.is_some_and(|system| bool::from(system.ct_eq(&hash))) {
            return Ok(Caller::System);
        }
        let key = match self.remembered(&hash) {
            Some(key) => key,
            None => self.look_up(hash).await?,
        };
        if key.revoked_at.is_some() {
            return Err(Problem::new(Code::KeyRevoked, "This API key was revoked."));
        }
        if key.expires_at.is_some_and(|at| at <= now) {
            return Err(Problem::new(Code::KeyExpired, "This API key has expired."));
        }
        if !key.tenant_active {
            return Err(Problem::new(Code::TenantSuspended, "The tenant of this API key is suspended."));
        }
        self.uses.insert(key.id, (key.tenant_id, now));
        Ok(Caller::Tenant(key))
    }

    /// Forgets a key, so that this process asks again at once.
    pub fn forget(&self, id: ApiKeyId) {
        self.known.retain(|_, (_, key)| key.id != id);
    }

    /// Writes when each key was last used, since the last call.
    ///
    /// # Errors
    /// As any write; the uses are lost then, which is harmless.
    pub async fn write_uses(&self) -> DbResult<usize> {
        let ids: Vec<ApiKeyId> = self.uses.iter().map(|entry| *entry.key()).collect();
        let uses: Vec<_> =
            ids.into_iter().filter_map(|id| self.uses.remove(&id)).map(|(id, (tenant, at))| (tenant, id, at)).collect();
        if uses.is_empty() {
            return Ok(0);
        }
        let mut tx = self.db.system("last use of API keys, of all tenants at once").await?;
        let written = api_keys::write_uses(&mut tx, &uses).await?;
        tx.commit().await?;
        Ok(written)
    }

    fn remembered(&self, hash: &[u8; 32]) -> Option<Arc<KeyRecord>> {
        let entry = self.known.get(hash)?;
        let (since, key) = entry.value();
        (since.elapsed() < REMEMBERED).then(|| Arc::clone(key))
    }

    async fn look_up(&self, hash: [u8; 32]) -> Result<Arc<KeyRecord>, Problem> {
        let mut tx = self.db.system("api key lookup: the tenant is not known yet").await?;
        let found = api_keys::find_by_hash(&mut tx, &hash).await?;
        tx.commit().await?;
        let key = Arc::new(found.ok_or_else(|| Problem::new(Code::Unauthenticated, "This API key is not known."))?);
        if self.known.len() >= SWEEP_ABOVE {
            self.known.retain(|_, (since, _)| since.elapsed() < REMEMBERED);
        }
        self.known.insert(hash, (Instant::now(), Arc::clone(&key)));
        Ok(key)
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
