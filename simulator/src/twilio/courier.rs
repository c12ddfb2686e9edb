//! Carries callbacks: signed, from one pool of connections, so many at a time.
//!
//! Letters wait as a few words each (what they say is written when their turn comes), and those that wait are counted by
//! the timeline, whose limit closes the door. A letter that could not connect goes back to the timeline for its next
//! try, so that a receiver that is down holds no place. As at Twilio, any answer ends it.

use std::sync::Arc;
use std::time::Duration;

use poem::http::StatusCode;
use reqwest::Client;
use secrecy::ExposeSecret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

use super::{receipt, signature};
use crate::account::Account;
use crate::config::Config;
use crate::flight::{Flight, Step};
use crate::plan::Outcome;
use crate::state::Sim;
use crate::timeline::Ticket;
use crate::{chance, clock};

/// Twilio gives up on a receiver after so long.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The first wait after a failed connect; each further one is twice as long.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// So much of an answer is read, which lets the connection be used again; a longer one costs its connection.
const MAX_ANSWER: u64 = 64 * 1024;

/// One thing to tell.
#[derive(Clone, Copy)]
pub(crate) struct Callback {
    pub outcome: Outcome,
    pub at_ms: i64,
    /// The same on each try, so that a receiver can tell a retry from a second receipt.
    token: u128,
    tries: u32,
}

impl Callback {
    /// Tells `outcome`, as of now.
    pub(crate) fn new(outcome: Outcome) -> Self {
        Self { outcome, at_ms: clock::now_ms(), token: chance::bits(), tries: 0 }
    }
}

/// A callback that waits for its turn.
pub(crate) struct Letter {
    flight: Arc<Flight>,
    callback: Callback,
    pending: Ticket,
}

/// Why a callback did not get an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    /// Nobody there; worth another try.
    #[error("could not connect")]
    Connect,
    /// Connected, and then something broke or took too long.
    #[error("connected, but no answer came")]
    NoAnswer,
    /// The account's token was never seen, so nothing can be signed.
    #[error("the account's auth token is not known")]
    NoToken,
}

/// The post office.
pub(crate) struct Courier {
    letters: mpsc::UnboundedSender<Letter>,
    client: Client,
}

impl Courier {
    /// A courier, and the letters that [`run`] carries.
    pub(crate) fn new(config: &Config) -> Result<(Self, mpsc::UnboundedReceiver<Letter>), reqwest::Error> {
        let client = Client::builder()
            .user_agent("TwilioProxy/1.1")
            .timeout(TIMEOUT)
            .connect_timeout(Duration::from_secs(5))
            .pool_max_idle_per_host(config.callback_concurrency)
            .no_proxy()
            .build()?;
        let (letters, waiting) = mpsc::unbounded_channel();
        Ok((Self { letters, client }, waiting))
    }

    /// Tells something about a message, after what was told about it before.
    pub(crate) fn post(&self, sim: &Sim, flight: &Arc<Flight>, callback: Callback) {
        if let Some((callback, pending)) = flight.line.join(callback, sim.timeline.ticket()) {
            self.put(Arc::clone(flight), callback, pending);
        }
    }

    /// Tries again what is at the head of its message's line.
    pub(crate) fn post_again(&self, sim: &Sim, flight: &Arc<Flight>, callback: Callback) {
        self.put(Arc::clone(flight), callback, sim.timeline.ticket());
    }

    fn put(&self, flight: Arc<Flight>, callback: Callback, pending: Ticket) {
        // Fails only when the simulator has stopped.
        let _ = self.letters.send(Letter { flight, callback, pending });
    }

    /// Posts a signed form now, and returns the answer's status and text.
    pub(crate) async fn post_now(
        &self,
        account: &Account,
        url: &str,
        idempotency: u128,
        params: &[(&str, String)],
    ) -> Result<(StatusCode, String), PostError> {
        let token = account.token().ok_or(PostError::NoToken)?;
        let signature = signature::sign(token.expose_secret(), url, params);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let request = self
            .client
            .post(url)
            .header("X-Twilio-Signature", signature)
            .header("I-Twilio-Idempotency-Token", uuid_like(idempotency))
            .header("X-Home-Region", "us1")
            .header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
            .body(body);
        let broken = |error: reqwest::Error| {
            if error.is_connect() { PostError::Connect } else { PostError::NoAnswer }
        };
        let answer = request.send().await.map_err(broken)?;
        let status = answer.status();
        let short = answer.content_length().is_none_or(|length| length <= MAX_ANSWER);
        let text = if short { answer.text().await.unwrap_or_default() } else { String::new() };
        Ok((status, text))
    }
}

/// Carries letters until `stop`.
pub(crate) async fn run(sim: Arc<Sim>, mut letters: mpsc::UnboundedReceiver<Letter>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(sim.config.callback_concurrency.max(1)));
    let work = async {
        while let Some(letter) = letters.recv().await {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            tokio::spawn(carry(Arc::clone(&sim), letter, place));
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

async fn carry(sim: Arc<Sim>, letter: Letter, _place: OwnedSemaphorePermit) {
    let Letter { flight, callback, pending } = letter;
    let mut turn = Some((callback, pending));
    // What waited behind it goes with it: a message has a handful at most.
    while let Some((callback, _pending)) = turn {
        if !deliver(&sim, &flight, callback).await {
            return;
        }
        turn = flight.line.next();
    }
}

/// Tells one thing; whether that is over, and the next may be told.
async fn deliver(sim: &Sim, flight: &Arc<Flight>, mut callback: Callback) -> bool {
    let current = || flight.epoch == sim.epoch();
    let Some(url) = flight.callback_url.as_deref().filter(|_| current()) else {
        return false;
    };
    let account = &flight.account;
    let params = receipt::params(account, &flight.message, &callback);
    let result = sim.courier.post_now(account, url, callback.token, &params).await;
    if !current() {
        return false;
    }
    match result {
        Ok((status, _)) if status.is_success() => account.counters.callbacks_sent.one(),
        Err(PostError::Connect) if callback.tries < sim.config.callback_retries => {
            let wait = RETRY_AFTER * 2_u32.saturating_pow(callback.tries.min(8));
            callback.tries += 1;
            account.counters.callbacks_retried.one();
            sim.timeline.schedule(Arc::clone(flight), Step::Again(callback), wait);
            return false;
        }
        Ok(_) | Err(_) => account.counters.callbacks_failed.one(),
    }
    true
}

fn uuid_like(n: u128) -> String {
    let hex = format!("{n:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
