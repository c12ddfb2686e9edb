//! What every request has at hand: the parts of the process, put together once.

use std::{ops::Deref, sync::Arc};

use patchbay_db::Db;
use patchbay_service::{Clock, Config, Entropy, Sealer};

use crate::http::{keyring::Keyring, limits::Limits, prefer::JobWatch};

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
    /// Tells when a job has ended.
    pub jobs: Arc<dyn JobWatch>,
    /// Seals stored credentials.
    pub sealer: Sealer,
}

impl App {
    /// The parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
