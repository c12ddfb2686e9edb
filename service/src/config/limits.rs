//! `[limits]`: what one API key and one tenant may ask for.
//!
//! Rates are in cost units, which an endpoint charges by its weight and its batch's size.

use super::reader::{Reader, Section};

/// Limits of use.
#[derive(Debug, Clone)]
pub struct LimitsConfig {
    /// Of one API key.
    pub key: RateLimit,
    /// Of one tenant, over all its keys.
    pub tenant: RateLimit,
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Cost units a second.
    pub per_second: u32,
    /// Cost units at once.
    pub burst: u32,
}

impl LimitsConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("limits");
        let key = RateLimit {
            per_second: section.within("key_per_second", "500", 1..=1_000_000),
            burst: section.within("key_burst", "1000", 1..=10_000_000),
        };
        let tenant = RateLimit {
            per_second: section.within("tenant_per_second", "1000", 1..=1_000_000),
            burst: section.within("tenant_burst", "2000", 1..=10_000_000),
        };
        check_burst(&mut section, "key_burst", key);
        check_burst(&mut section, "tenant_burst", tenant);
        Self { key, tenant }
    }
}

fn check_burst(section: &mut Section<'_>, key: &str, limit: RateLimit) {
    if limit.burst < limit.per_second {
        let fix = format!("raise it to {} or more: a second's worth may come at once", limit.per_second);
        section.refuse(key, "is smaller than the rate", &fix);
    }
}
