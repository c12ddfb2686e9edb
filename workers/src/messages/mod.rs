//! The handlers of the jobs about messages.
//!
//! What is a rule is in `patchbay_domain::messages`, what is a provider's is in `patchbay_providers`; here is the order
//! of things: claim, commit, send, record. An effect outside is always behind a commit that says it is about to be
//! tried, and what is found half done is looked up before it is tried again.

mod accounts;
mod fault;
mod inbound;
mod receipt;
mod reconcile;
mod report;
mod send;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use patchbay_db::Db;
use patchbay_domain::messages::accept::Size;
use patchbay_providers::sms::segments;
use patchbay_providers::{Provider, ProviderKind, Registry as Providers};
use patchbay_queue::Registry;
use patchbay_service::{Clock, Sealer};
use url::Url;

use accounts::Accounts;
pub use inbound::InboundHandler;
pub use receipt::ReceiptHandler;
pub use reconcile::ReconcileHandler;
pub use send::SendHandler;

/// What the handlers need of their process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Messaging {
    db: Db,
    clock: Arc<dyn Clock>,
    accounts: Accounts,
    providers: Providers,
    settings: Settings,
}

/// How the handlers go about it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The base of the addresses that providers are told to call.
    pub public_url: Url,
    /// Messages that one job claims with one statement.
    pub send_slice: usize,
    /// Requests to providers that one process has under way for sends.
    pub sends_at_once: usize,
    /// A send begins within this of its claim, or not at all: what a worker that was stopped for a while may still do
    /// is bounded by it.
    pub fresh: Duration,
    /// Messages that one run of a reconciliation asks about.
    pub reconcile_slice: usize,
    /// When reconciliation first asks about a message that has no final receipt.
    pub check_after: Duration,
}

impl Settings {
    /// The usual numbers, with callbacks under `public_url`.
    #[must_use]
    pub const fn new(public_url: Url) -> Self {
        Self {
            public_url,
            send_slice: 100,
            sends_at_once: 128,
            fresh: Duration::from_secs(5),
            reconcile_slice: 500,
            check_after: Duration::from_secs(300),
        }
    }
}

impl Messaging {
    /// Puts the parts together.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, sealer: Arc<Sealer>, providers: Providers, settings: Settings) -> Self {
        let accounts = Accounts::new(db.clone(), sealer, providers.clone());
        Self { db, clock, accounts, providers, settings }
    }

    /// The provider of this name, if this program has it.
    fn provider(&self, name: &str) -> Option<(ProviderKind, &Arc<dyn Provider>)> {
        let kind = name.parse().ok()?;
        Some((kind, self.providers.get(kind)?))
    }

    /// Adds the handlers to a worker's registry.
    #[must_use]
    pub fn register(&self, registry: Registry) -> Registry {
        registry
            .with(SendHandler::new(self.clone()))
            .with(ReceiptHandler::new(self.clone()))
            .with(InboundHandler::new(self.clone()))
            .with(ReconcileHandler::new(self.clone()))
    }
}

/// The size of a text, as `domain` asks for it.
#[must_use]
pub fn measure(text: &str) -> Size {
    let size = segments::measure(text);
    Size { segments: i16::try_from(size.segments).unwrap_or(i16::MAX), too_long: size.too_long }
}
