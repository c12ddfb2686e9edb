//! The one place that rolls dice: ids nobody can guess, and faults by rate.
//!
//! The dice are not injected. Who needs a run to be exact says so with a rule's `times`, which strikes by count; a seed
//! would promise the same run while requests still race each other.

/// 128 random bits.
#[expect(clippy::disallowed_methods, reason = "Patchbay's Entropy is product code, and ids here need no replay")]
pub(crate) fn bits() -> u128 {
    rand::random()
}

/// Whether something of this likelihood (0 to 1) happens.
#[expect(clippy::disallowed_methods, reason = "Patchbay's Entropy is product code, and `times` gives exact runs")]
pub(crate) fn strikes(rate: f64) -> bool {
    rate >= 1.0 || rand::random::<f64>() < rate
}

/// A number from 0 to `most`, each as likely.
pub(crate) fn up_to(most: u64) -> u64 {
    rand::random_range(0..=most)
}
