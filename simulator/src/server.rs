//! Starting and stopping a simulator, as a program or inside a test.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use poem::middleware::AddData;
use poem::{Endpoint, EndpointExt, Response, Route, Server, get, handler};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::account::settings::AccountSettings;
use crate::config::Config;
use crate::faults::Faults;
use crate::ledger::counts::Counts;
use crate::ledger::duplicates::Duplicate;
use crate::state::Sim;
use crate::sync::lock;
use crate::timeline::{self, Timeline};
use crate::twilio::courier::Courier;
use crate::twilio::errors::TwilioError;
use crate::wire::Wire;
use crate::{control, twilio};

/// How long open requests may take after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(2);

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The client for callbacks could not be made.
    #[error("cannot make the HTTP client for callbacks: {0}")]
    Client(#[from] reqwest::Error),
}

/// The door to everything here.
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Starts a simulator on the current tokio runtime. It stops when the returned handle is dropped.
    ///
    /// # Errors
    /// The address cannot be listened on, or the HTTP client not be made.
    pub async fn start(config: Config) -> Result<RunningSimulator, StartError> {
        // Fails when a provider is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listen = config.listen;
        let refused = |error| StartError::Listen(listen, error);
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let addr = listener.local_addr().map_err(refused)?;

        let stop = CancellationToken::new();
        let (timeline, entries) = Timeline::new();
        let (courier, letters) = Courier::new(&config)?;
        let sim = Arc::new(Sim::new(config, timeline, courier));
        let wire = Wire::new(listener, sim.switches.clone()).map_err(refused)?;
        tokio::spawn(timeline::run(Arc::clone(&sim), entries, stop.clone()));
        tokio::spawn(twilio::courier::run(Arc::clone(&sim), letters, stop.clone()));
        let signal = stop.clone().cancelled_owned();
        let app = routes(Arc::clone(&sim));
        let server = Server::new_with_acceptor(wire);
        let server = tokio::spawn(server.run_with_graceful_shutdown(app, signal, Some(DRAIN)));
        Ok(RunningSimulator { base_url: format!("http://{addr}"), addr, sim, server, stop: stop.drop_guard() })
    }
}

/// A simulator that is running.
pub struct RunningSimulator {
    /// Where it listens, as `http://127.0.0.1:port`; what a client uses in place of `https://api.twilio.com`.
    pub base_url: String,
    /// The same as an address.
    pub addr: SocketAddr,
    sim: Arc<Sim>,
    server: JoinHandle<io::Result<()>>,
    stop: DropGuard,
}

impl RunningSimulator {
    /// What happened so far, over all accounts.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.sim.counts(None)
    }

    /// What happened so far to one account.
    #[must_use]
    pub fn counts_of(&self, account: &str) -> Counts {
        self.sim.counts(Some(account))
    }

    /// The texts that one phone was sent more than once.
    #[must_use]
    pub fn duplicates(&self) -> Vec<Duplicate> {
        let accounts = self.sim.accounts(None);
        let listed = |account: &Arc<_>| control::duplicates::listed(account);
        accounts.iter().flat_map(listed).collect()
    }

    /// Sets up an account; see [`AccountSettings`].
    pub fn configure(&self, account: &str, settings: AccountSettings) {
        if let Some(account) = self.sim.account_or_new(account) {
            account.configure(settings);
        }
    }

    /// Sets the faults of one account, or of all that have none of their own.
    ///
    /// # Errors
    /// A sentence about the first rule that makes no sense.
    pub fn set_faults(&self, account: Option<&str>, faults: Faults) -> Result<(), String> {
        self.sim.faults.set(account, faults)
    }

    /// Makes every send to or from a number fail with a code (see the README), or repairs it.
    pub fn mark_number(&self, number: &str, fail_with: Option<u32>) {
        match fail_with {
            Some(code) => self.sim.faults.break_number(number, code),
            None => _ = self.sim.faults.repair_number(number),
        }
    }

    /// The texts accepted for one phone, oldest first.
    #[must_use]
    pub fn bodies_to(&self, phone: &str) -> Vec<String> {
        let query = crate::messages::Query { to: Some(phone), limit: usize::MAX, ..Default::default() };
        let accounts = self.sim.accounts(None);
        let mut found: Vec<_> = accounts.iter().flat_map(|a| lock(&a.messages).page(&query).0).collect();
        found.sort_by_key(|message| (message.created_ms, message.seq));
        found.iter().map(|message| message.draft.body.to_string()).collect()
    }

    /// Waits until nothing is pending: every step has happened and every callback was answered or given up.
    pub async fn quiet(&self) {
        while self.sim.timeline.pending() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Forgets what happened; see `POST /_sim/reset`.
    pub fn reset(&self) {
        self.sim.reset();
    }

    /// Stops listening, lets open requests end, and returns. Receipts not told yet are lost.
    pub async fn shutdown(self) {
        drop(self.stop);
        // Its only errors are those of a start, which has succeeded.
        let _ = self.server.await;
    }
}

fn routes(sim: Arc<Sim>) -> impl Endpoint<Output = Response> {
    Route::new()
        .nest("/2010-04-01/Accounts", twilio::routes())
        .nest("/_sim", control::routes())
        .at("/healthz", get(healthy))
        .at("/readyz", get(healthy))
        .at("/metrics", get(control::metrics::show))
        .with(AddData::new(sim))
        .catch_all_error(|error| async move { TwilioError::from_routing(&error) })
}

/// Both probes: a simulator that answers is ready, it waits for nothing else.
#[handler]
fn healthy() -> &'static str {
    "ok\n"
}
