//! What every request has at hand: the parts of the process, put together once.

use std::{ops::Deref, sync::Arc};

use patchbay_db::Db;
use patchbay_providers::{Provider, ProviderKind, Registry};
use patchbay_queue::ledger::DepthGuard;
use patchbay_service::{Clock, Config, Entropy, Sealer};

use crate::{
    http::{Problem, idempotency::Terms, keyring::Keyring, limits::Limits},
    jobs::watch::Watcher,
    messages::Acceptor,
    webhooks::Intake,
};

/// The state of the server; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What an [`App`] is made of.
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The settings.
    pub config: Config,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for keys and request ids.
    pub entropy: Arc<dyn Entropy>,
    /// The keys of this installation.
    pub keys: Keyring,
    /// The rate limits of this process.
    pub limits: Limits,
    /// How much a tenant may have waiting.
    pub depth: DepthGuard,
    /// Tells when a job changes, and when it has ended.
    pub jobs: Watcher,
    /// Seals stored credentials.
    pub sealer: Sealer,
    /// The providers of this program.
    pub providers: Registry,
    /// Takes providers' webhooks in.
    pub webhooks: Intake,
    /// Accepts single messages.
    pub acceptor: Acceptor,
}

impl App {
    /// The parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Parts {
    /// How answers under an idempotency key are kept.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms { sealer: self.sealer.clone(), keep: self.config.retention.idempotency_keys }
    }

    /// The provider of this kind.
    ///
    /// # Errors
    /// `internal` where it is no part of this program, which is a mistake in it.
    pub fn provider(&self, kind: ProviderKind) -> Result<Arc<dyn Provider>, Problem> {
        self.providers.get(kind).cloned().ok_or_else(|| Problem::internal(format!("{kind} is no part of this program")))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
