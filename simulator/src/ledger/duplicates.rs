//! The proof of "exactly once": was the same text accepted twice for the same phone?
//!
//! Fingerprints (128 bits) of every accepted (to, body) are kept rather than the texts, so that the proof covers
//! far more messages than the look-up keeps. A shared budget caps their memory; once it is spent the counts say
//! so (`tracking_complete`), because a proof that silently stopped looking is worse than none. A sender that
//! means to text the same words twice will show up here: give test bodies something of their own.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use crate::message::{Message, Sid};

/// Repeated texts that are listed by name; further ones are only counted.
const MAX_LISTED: usize = 1_000;
/// Message ids listed for each.
const MAX_SIDS: usize = 20;

/// A text that one phone was sent more than once.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Duplicate {
    /// The account that sent it.
    pub account_sid: String,
    /// The phone.
    pub to: String,
    /// The text.
    pub body: String,
    /// How often it was accepted.
    pub count: u32,
    /// The messages, at most 20.
    pub sids: Vec<String>,
}

/// Fingerprints that may still be kept, over all accounts.
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
    spent: AtomicBool,
}

impl Budget {
    /// Room for `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0), spent: AtomicBool::new(false) }
    }

    /// Whether every accepted message was tracked.
    pub(crate) fn is_complete(&self) -> bool {
        !self.spent.load(Ordering::Relaxed)
    }

    /// All free again.
    pub(crate) fn reset(&self) {
        self.used.store(0, Ordering::Relaxed);
        self.spent.store(false, Ordering::Relaxed);
    }

    fn take(&self) -> bool {
        let free = self.used.fetch_add(1, Ordering::Relaxed) < self.limit;
        if !free {
            self.spent.store(true, Ordering::Relaxed);
        }
        free
    }
}

/// One account's fingerprints.
pub(crate) struct Duplicates {
    budget: Arc<Budget>,
    seen: HashMap<u128, (u32, Sid)>,
    bodies: HashSet<u64>,
    repeats: u64,
    listed: BTreeMap<u128, Duplicate>,
}

impl Duplicates {
    /// Nothing seen yet.
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self { budget, seen: HashMap::new(), bodies: HashSet::new(), repeats: 0, listed: BTreeMap::new() }
    }

    /// Notes an accepted message.
    pub(crate) fn note(&mut self, account: &str, message: &Message) {
        let (to, body) = (&*message.draft.to, &*message.draft.body);
        let key = fingerprint(&(to, body));
        if let Some((count, first)) = self.seen.get_mut(&key) {
            *count += 1;
            self.repeats += 1;
            let (count, first) = (*count, *first);
            self.list(key, account, message, count, first);
        } else if self.budget.take() {
            self.seen.insert(key, (1, message.sid));
            self.bodies.insert(hash(0, &body));
        }
    }

    fn list(&mut self, key: u128, account: &str, message: &Message, count: u32, first: Sid) {
        if self.listed.len() >= MAX_LISTED && !self.listed.contains_key(&key) {
            return;
        }
        let entry = self.listed.entry(key).or_insert_with(|| Duplicate {
            account_sid: account.to_owned(),
            to: message.draft.to.to_string(),
            body: message.draft.body.to_string(),
            count,
            sids: vec![first.to_string()],
        });
        entry.count = count;
        if entry.sids.len() < MAX_SIDS {
            entry.sids.push(message.sid.to_string());
        }
    }

    /// The repeated texts, at most 1,000.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &Duplicate> {
        self.listed.values()
    }

    /// Adds these to a total.
    pub(crate) fn add_to(&self, counts: &mut Counts) {
        counts.distinct_bodies += self.bodies.len() as u64;
        counts.distinct_messages += self.seen.len() as u64;
        counts.duplicates += self.repeats;
    }

    /// Forgets all.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(Arc::clone(&self.budget));
    }
}

/// 128 bits of anything: two independent 64-bit hashes.
pub(crate) fn fingerprint(value: &impl Hash) -> u128 {
    u128::from(hash(0, value)) << 64 | u128::from(hash(1, value))
}

fn hash(lane: u8, value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    lane.hash(&mut hasher);
    value.hash(&mut hasher);
    hasher.finish()
}
