//! So many calls at a time: each caller makes its next call when its last has ended.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use futures_util::future::try_join_all;

/// Runs `call(n)` once for each n below `total`, `at_a_time` at a time.
pub async fn turns<C, F>(total: usize, at_a_time: usize, call: C) -> Result<()>
where
    C: Fn(usize) -> F + Sync,
    F: Future<Output = Result<()>> + Send,
{
    let next = AtomicUsize::new(0);
    let (next, call) = (&next, &call);
    let caller = || async move {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= total {
                return Ok(());
            }
            call(n).await?;
        }
    };
    try_join_all((0..at_a_time).map(|_| caller())).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[tokio::test]
    async fn each_call_is_made_once() {
        let made = Mutex::new(Vec::new());
        let note = |n| {
            made.lock().unwrap().push(n);
            async { Ok(()) }
        };
        turns(10, 3, note).await.unwrap();
        let mut made = made.into_inner().unwrap();
        made.sort_unstable();
        assert_eq!(made, (0..10).collect::<Vec<_>>());
    }
}
