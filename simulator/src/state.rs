//! Everything a running simulator knows, in one place that requests share.
//!
//! Accounts are the unit of sharing: each has its own locks and counters, so two tests with two accounts meet
//! only in the map that finds them and in the queue that says whose message is oldest.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use dashmap::DashMap;

use crate::account::Account;
use crate::clock;
use crate::config::Config;
use crate::faults::board::FaultBoard;
use crate::ledger::counters::Counters;
use crate::ledger::counts::Counts;
use crate::ledger::duplicates::Budget;
use crate::message::{Draft, Message};
use crate::sync::lock;
use crate::timeline::Timeline;
use crate::twilio::courier::Courier;
use crate::wire::Switches;

/// Accounts that may exist at once; a client that makes up a new one for each call is refused beyond it.
const MAX_ACCOUNTS: usize = 100_000;
/// "Once" effects remembered; when full they are all forgotten, so a very old one could strike again.
const MAX_ONCE: usize = 1_000_000;

/// The state of one simulator.
pub(crate) struct Sim {
    pub config: Config,
    pub faults: FaultBoard,
    pub timeline: Timeline,
    pub courier: Courier,
    pub switches: Switches,
    pub fingerprints: Arc<Budget>,
    /// Requests that no account could be charged for.
    pub strangers: Counters,
    accounts: DashMap<Arc<str>, Arc<Account>>,
    oldest: Mutex<VecDeque<Arc<Account>>>,
    once: Mutex<HashSet<u128>>,
    epoch: AtomicU64,
}

impl Sim {
    /// A fresh one, knowing nobody.
    pub(crate) fn new(config: Config, timeline: Timeline, courier: Courier) -> Self {
        Self {
            fingerprints: Arc::new(Budget::new(config.keep_fingerprints)),
            config,
            timeline,
            courier,
            faults: FaultBoard::default(),
            switches: Switches::default(),
            strangers: Counters::default(),
            accounts: DashMap::new(),
            oldest: Mutex::default(),
            once: Mutex::default(),
            epoch: AtomicU64::new(0),
        }
    }

    /// The account with this id, if it was ever seen.
    pub(crate) fn account(&self, sid: &str) -> Option<Arc<Account>> {
        self.accounts.get(sid).map(|found| Arc::clone(&found))
    }

    /// The account with this id, made on first sight; `None` when there are too many.
    pub(crate) fn account_or_new(&self, sid: &str) -> Option<Arc<Account>> {
        if let Some(account) = self.account(sid) {
            return Some(account);
        }
        if self.accounts.len() >= MAX_ACCOUNTS {
            return None;
        }
        let sid: Arc<str> = sid.into();
        let entry = self.accounts.entry(Arc::clone(&sid));
        let account = entry.or_insert_with(|| Arc::new(Account::new(sid, Arc::clone(&self.fingerprints))));
        Some(Arc::clone(&account))
    }

    /// The accounts of a control call: the one named, or all.
    pub(crate) fn accounts(&self, only: Option<&str>) -> Vec<Arc<Account>> {
        match only {
            Some(sid) => self.account(sid).into_iter().collect(),
            None => self.accounts.iter().map(|entry| Arc::clone(entry.value())).collect(),
        }
    }

    /// Keeps a message, and forgets the oldest of all when there are too many.
    pub(crate) fn keep(&self, account: &Arc<Account>, draft: Draft) -> Arc<Message> {
        let message = lock(&account.messages).insert(draft, clock::now_ms());
        let evict = {
            let mut oldest = lock(&self.oldest);
            oldest.push_back(Arc::clone(account));
            (oldest.len() > self.config.keep_messages).then(|| oldest.pop_front()).flatten()
        };
        if let Some(owner) = evict {
            lock(&owner.messages).evict_oldest();
        }
        message
    }

    /// Whether this is the first time that `key` asks. Used by effects that strike a message once.
    pub(crate) fn first_time(&self, key: u128) -> bool {
        let mut once = lock(&self.once);
        if once.len() >= MAX_ONCE {
            once.clear();
        }
        once.insert(key)
    }

    /// Which run this is; work begun in an earlier one is dropped.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// The counts of one account, or of all and of requests that belong to none.
    pub(crate) fn counts(&self, only: Option<&str>) -> Counts {
        let mut counts = Counts::default();
        for account in self.accounts(only) {
            account.add_to(&mut counts);
        }
        if only.is_none() {
            self.strangers.add_to(&mut counts);
        }
        counts.pending = self.timeline.pending();
        counts.tracking_complete = self.fingerprints.is_complete();
        counts
    }

    /// Back to the first day: messages, counts, opt-outs, faults and marked numbers go; what was set for
    /// accounts stays. Work in flight is dropped without a receipt.
    pub(crate) fn reset(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.faults.clear();
        lock(&self.once).clear();
        lock(&self.oldest).clear();
        for account in self.accounts(None) {
            account.reset();
        }
        self.fingerprints.reset();
        self.strangers.reset();
    }
}
