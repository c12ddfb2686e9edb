//! One Twilio account: its settings, messages, opt-outs, senders' queues and counts.
//!
//! An account nobody registered is taken on at first sight, with the token it came with; so a test needs no
//! set-up, and still cannot use another test's account with a wrong token.

pub(crate) mod settings;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, RwLock};

use secrecy::{ExposeSecret, SecretString};

use self::settings::{AccountSettings, Throughput};
use crate::ledger::counters::Counters;
use crate::ledger::counts::Counts;
use crate::ledger::duplicates::{Budget, Duplicates};
use crate::ledger::visits::Visits;
use crate::messages::Messages;
use crate::sync::{lock, read, write};
use crate::twilio::throughput::Bucket;

/// An account and all that belongs to it.
pub(crate) struct Account {
    pub sid: Arc<str>,
    pub messages: Mutex<Messages>,
    pub counters: Counters,
    pub duplicates: Mutex<Duplicates>,
    pub visits: Mutex<Visits>,
    settings: RwLock<Arc<AccountSettings>>,
    token: RwLock<Option<SecretString>>,
    buckets: Mutex<HashMap<Arc<str>, Bucket>>,
    /// (our number, phone) pairs; held apart by our number, as Twilio does for a long code.
    opt_outs: Mutex<HashSet<(String, String)>>,
}

impl Account {
    /// An account with nothing set.
    pub(crate) fn new(sid: Arc<str>, fingerprints: Arc<Budget>) -> Self {
        Self {
            sid,
            messages: Mutex::default(),
            counters: Counters::default(),
            duplicates: Mutex::new(Duplicates::new(fingerprints)),
            visits: Mutex::default(),
            settings: RwLock::default(),
            token: RwLock::default(),
            buckets: Mutex::default(),
            opt_outs: Mutex::default(),
        }
    }

    /// What the control API set.
    pub(crate) fn settings(&self) -> Arc<AccountSettings> {
        Arc::clone(&read(&self.settings))
    }

    /// Replaces the settings; queues start empty. Without an `auth_token` the one known stays.
    pub(crate) fn configure(&self, settings: AccountSettings) {
        if let Some(token) = &settings.auth_token {
            *write(&self.token) = Some(token.clone());
        }
        *write(&self.settings) = Arc::new(settings);
        lock(&self.buckets).clear();
    }

    /// Whether this is the account's token, or one of its API keys. The first token ever seen becomes the
    /// account's own when none was set.
    pub(crate) fn admits(&self, user: &str, password: &str) -> bool {
        if user != &*self.sid {
            let settings = self.settings();
            return settings.api_keys.get(user).is_some_and(|key| key.expose_secret() == password);
        }
        if let Some(token) = &*read(&self.token) {
            return token.expose_secret() == password;
        }
        let mut token = write(&self.token);
        token.get_or_insert_with(|| password.into()).expose_secret() == password
    }

    /// The secret that signs this account's callbacks.
    pub(crate) fn token(&self) -> Option<SecretString> {
        read(&self.token).clone()
    }

    /// The speed that was set for one sender.
    pub(crate) fn limit(&self, from: &str) -> Option<Throughput> {
        let settings = self.settings();
        let own = settings.number_throughput.get(from);
        own.or(settings.throughput.as_ref()).copied()
    }

    /// Runs `act` on the queue of one sender.
    pub(crate) fn with_bucket<T>(&self, from: &Arc<str>, act: impl FnOnce(&mut Bucket) -> T) -> T {
        act(lock(&self.buckets).entry(Arc::clone(from)).or_default())
    }

    /// Whether `phone` stopped `number`.
    pub(crate) fn is_opted_out(&self, number: &str, phone: &str) -> bool {
        let opt_outs = lock(&self.opt_outs);
        !opt_outs.is_empty() && opt_outs.contains(&(number.to_owned(), phone.to_owned()))
    }

    /// Records STOP (`true`) or START (`false`) of `phone` to `number`.
    pub(crate) fn set_opted_out(&self, number: &str, phone: &str, out: bool) {
        let pair = (number.to_owned(), phone.to_owned());
        let mut opt_outs = lock(&self.opt_outs);
        if out {
            opt_outs.insert(pair);
        } else {
            opt_outs.remove(&pair);
        }
    }

    /// Adds this account's part to a count.
    pub(crate) fn add_to(&self, counts: &mut Counts) {
        self.counters.add_to(counts);
        lock(&self.duplicates).add_to(counts);
        counts.opted_out += lock(&self.opt_outs).len() as u64;
        counts.kept_messages += lock(&self.messages).len() as u64;
    }

    /// Forgets what happened, keeps what was set.
    pub(crate) fn reset(&self) {
        *lock(&self.messages) = Messages::default();
        lock(&self.duplicates).reset();
        lock(&self.visits).reset();
        lock(&self.buckets).clear();
        lock(&self.opt_outs).clear();
        self.counters.reset();
    }
}
