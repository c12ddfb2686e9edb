//! Where random bytes come from.
//!
//! Keys, nonces, tokens and jitter all draw from one injected source, so that a test can fix the bytes and see the
//! same key or the same delay each time. `clippy.toml` bans the direct calls.
//! Rejected: passing a `&mut impl Rng` around, because handlers run concurrently and share one source.
//! It is broken by giving [`SeededEntropy`] to a program: its bytes can be foretold.

use std::sync::{Mutex, PoisonError};

use rand::{RngCore, SeedableRng, rngs::StdRng};

/// A source of random bytes. Share it as `Arc<dyn Entropy>`.
pub trait Entropy: Send + Sync + std::fmt::Debug {
    /// Fills `target` with random bytes, fit for keys where the source is [`SystemEntropy`].
    fn fill(&self, target: &mut [u8]);

    /// A number in `[0, 1)`, for jitter.
    fn unit(&self) -> f64 {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

impl dyn Entropy + '_ {
    /// `N` random bytes.
    #[must_use]
    pub fn array<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

/// The operating system's randomness, through a cryptographic generator of the thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws real randomness")]
    fn fill(&self, target: &mut [u8]) {
        rand::rng().fill_bytes(target);
    }
}

/// The same bytes for the same seed: for tests only.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<StdRng>);

impl SeededEntropy {
    /// A source whose bytes follow from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, target: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(source: &dyn Entropy) -> [u8; 32] {
        source.array()
    }

    #[test]
    fn one_seed_gives_one_series() {
        let (left, right) = (SeededEntropy::new(7), SeededEntropy::new(7));
        assert_eq!(draw(&left), draw(&right));
        assert_eq!(draw(&left), draw(&right));
        assert_ne!(draw(&left), draw(&SeededEntropy::new(8)));
    }

    #[test]
    fn the_system_source_does_not_repeat() {
        assert_ne!(draw(&SystemEntropy), draw(&SystemEntropy));
    }

    #[test]
    fn a_unit_is_at_least_zero_and_below_one() {
        let source = SeededEntropy::new(1);
        assert!((0..10_000).map(|_| source.unit()).all(|unit| (0.0..1.0).contains(&unit)));
    }
}
