//! Places at which a process dies on purpose, for chaos runs.
//!
//! The instant between a commit and the hand-over to the dispatcher lasts microseconds: killing from outside hardly ever
//! falls into it, and it is the one that repair exists for. Compiled only with the feature `failpoints`. The `fail` crate was
//! rejected: it can panic, sleep and return, but not end the process, and brings a second random generator.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// `PATCHBAY_FAILPOINT=<name>:<n>`: the process dies the `n`th time it comes to `name`.
static SET: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
    let set = std::env::var("PATCHBAY_FAILPOINT").ok()?;
    let (name, times) = set.split_once(':')?;
    Some((name.to_owned(), times.parse().ok()?))
});
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The process has come to `name`; it does not go on where it was told to die here.
pub(crate) fn reached(name: &str) {
    if let Some((at, times)) = &*SET
        && at == name
        && COUNT.fetch_add(1, Ordering::Relaxed) + 1 == *times
    {
        std::process::abort();
    }
}
