//! Counting without a lock on the way of a send.
//!
//! Each account has its own set, so that accounts do not fight over a cache line. Only the rare counts by error
//! code sit behind a mutex.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::counts::Counts;
use crate::sync::lock;

/// A count that many threads add to.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub(crate) fn one(&self) {
        self.add(1);
    }

    /// `n` more.
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts by Twilio error code.
#[derive(Default)]
pub(crate) struct ByCode(Mutex<BTreeMap<u32, u64>>);

impl ByCode {
    /// One more of `code`.
    pub(crate) fn one(&self, code: u32) {
        *lock(&self.0).entry(code).or_default() += 1;
    }

    fn add_to(&self, total: &mut u64, by_code: &mut BTreeMap<u32, u64>) {
        for (code, n) in &*lock(&self.0) {
            *total += n;
            *by_code.entry(*code).or_default() += n;
        }
    }
}

macro_rules! counters {
    ($($name:ident),+ $(,)?) => {
        /// One account's counts.
        #[derive(Default)]
        pub(crate) struct Counters {
            $(pub $name: Counter,)+
            pub rejected: ByCode,
            pub failed: ByCode,
        }

        impl Counters {
            /// Adds these to a total.
            pub(crate) fn add_to(&self, counts: &mut Counts) {
                $(counts.$name += self.$name.get();)+
                self.rejected.add_to(&mut counts.rejected, &mut counts.rejected_by_code);
                self.failed.add_to(&mut counts.failed, &mut counts.failed_by_code);
            }

            /// All back to zero.
            pub(crate) fn reset(&self) {
                $(self.$name.0.store(0, Ordering::Relaxed);)+
                lock(&self.rejected.0).clear();
                lock(&self.failed.0).clear();
            }
        }
    };
}

counters!(
    requests,
    accepted,
    segments,
    sent,
    delivered,
    answers_dropped,
    resets,
    lookups,
    inbound,
    auto_replies,
    callbacks_sent,
    callbacks_failed,
    callbacks_retried,
    callbacks_lost,
);
