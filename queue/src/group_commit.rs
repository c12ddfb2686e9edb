//! Group commit: what arrives while one transaction of a key is under way shares the next.
//!
//! PostgreSQL's own group commit shares the disk's flush; this shares the whole transaction, its round trips and its
//! statements too. There is no timer. An item that finds its key idle is flushed at once and alone, so it waits for
//! nobody; under load the sets grow by themselves to what the database takes in one go, and the cost of a transaction
//! is shared by all of them; a pause between two sets of a key makes them larger still. A timer (collect for 5 ms) was
//! rejected: it adds its wait when there is least reason to. The flush runs in a task of its own: a caller that goes
//! away does not undo the others' work. Broken by a flush that does slow outward work, since the key's next set waits
//! for it.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

type Flushing<O, E> = Pin<Box<dyn Future<Output = Result<Vec<O>, E>> + Send>>;
type Flush<K, I, O, E> = dyn Fn(K, Vec<I>) -> Flushing<O, E> + Send + Sync;

/// Why an item has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GroupError<E> {
    /// Too much is waiting already: come back later.
    #[error("too much is waiting to be written")]
    Full,
    /// The set's flush failed. Whether its transaction became real can be unknown.
    #[error("{0}")]
    Flush(E),
    /// The flush ended without an answer (it panicked, or the process is going down).
    #[error("the writer ended without an answer")]
    Lost,
}

/// How large sets and queues may become, and how soon one set follows another.
#[derive(Debug, Clone, Copy)]
pub struct GroupSize {
    /// Items of one flush.
    pub set: usize,
    /// Items of one key that may wait.
    pub waiting: usize,
    /// From the end of a key's flush to its next, at the least: where nobody waits for the answer, larger sets cost less.
    pub pause: Duration,
}

/// A writer that gathers items by key. Cheap to clone.
pub struct GroupCommit<K, I, O, E> {
    inner: Arc<Inner<K, I, O, E>>,
}

impl<K, I, O, E> Clone for GroupCommit<K, I, O, E> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<K, I, O, E> std::fmt::Debug for GroupCommit<K, I, O, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupCommit").field("size", &self.inner.size).finish_non_exhaustive()
    }
}

type Waiting<I, O, E> = Vec<(I, oneshot::Sender<Result<O, GroupError<E>>>)>;

struct Inner<K, I, O, E> {
    size: GroupSize,
    flush: Box<Flush<K, I, O, E>>,
    /// What waits, by key; a key is here exactly while a task works for it.
    keys: Mutex<HashMap<K, Waiting<I, O, E>>>,
}

impl<K, I, O, E> GroupCommit<K, I, O, E>
where
    K: Clone + Eq + Hash + Send + 'static,
    I: Send + 'static,
    O: Send + 'static,
    E: Clone + Send + 'static,
{
    /// A writer that hands sets to `flush`, which answers each item in order.
    pub fn new<F>(size: GroupSize, flush: impl Fn(K, Vec<I>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Vec<O>, E>> + Send + 'static,
    {
        let flush = Box::new(move |key, items| -> Flushing<O, E> { Box::pin(flush(key, items)) });
        Self { inner: Arc::new(Inner { size, flush, keys: Mutex::default() }) }
    }

    /// Hands in `item` and waits until its set is flushed.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub async fn submit(&self, key: K, item: I) -> Result<O, GroupError<E>> {
        let (answer, answered) = oneshot::channel();
        let start = {
            let mut keys = self.inner.keys.lock().unwrap_or_else(PoisonError::into_inner);
            match keys.get_mut(&key) {
                Some(waiting) if waiting.len() >= self.inner.size.waiting => return Err(GroupError::Full),
                Some(waiting) => {
                    waiting.push((item, answer));
                    false
                }
                None => {
                    keys.insert(key.clone(), vec![(item, answer)]);
                    true
                }
            }
        };
        if start {
            tokio::spawn(work(Arc::clone(&self.inner), key));
        }
        answered.await.unwrap_or(Err(GroupError::Lost))
    }
}

/// Gives a key up when its task ends in whatever way, so that a panic does not leave the key without a worker.
struct Leave<K: Eq + Hash, I, O, E> {
    inner: Arc<Inner<K, I, O, E>>,
    key: K,
    armed: bool,
}

impl<K: Eq + Hash, I, O, E> Drop for Leave<K, I, O, E> {
    fn drop(&mut self) {
        if self.armed {
            self.inner.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        }
    }
}

async fn work<K, I, O, E>(inner: Arc<Inner<K, I, O, E>>, key: K)
where
    K: Clone + Eq + Hash + Send + 'static,
    E: Clone,
{
    let mut leave = Leave { inner: Arc::clone(&inner), key: key.clone(), armed: true };
    loop {
        let set: Waiting<I, O, E> = {
            let mut keys = inner.keys.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = keys.get_mut(&key).expect("a key stays while its task works");
            if waiting.is_empty() {
                keys.remove(&key);
                leave.armed = false;
                return;
            }
            let take = waiting.len().min(inner.size.set);
            waiting.drain(..take).collect()
        };
        let (items, answers): (Vec<I>, Vec<_>) = set.into_iter().unzip();
        match (inner.flush)(key.clone(), items).await {
            Ok(outputs) => {
                // An answer too few leaves its callers with `Lost`, which is the truth.
                for (answer, output) in answers.into_iter().zip(outputs) {
                    let _ = answer.send(Ok(output));
                }
            }
            Err(error) => {
                for answer in answers {
                    let _ = answer.send(Err(GroupError::Flush(error.clone())));
                }
            }
        }
        if !inner.size.pause.is_zero() {
            tokio::time::sleep(inner.size.pause).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::{Semaphore, mpsc};

    const SIZE: GroupSize = GroupSize { set: 3, waiting: 4, pause: Duration::ZERO };

    type Numbers = GroupCommit<u8, u32, u32, String>;

    /// A group whose flushes report their sets and wait for a permit each.
    fn gated() -> (Numbers, mpsc::UnboundedReceiver<Vec<u32>>, Arc<Semaphore>) {
        let (seen, sets) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&gate);
        let group = GroupCommit::new(SIZE, move |_, items: Vec<u32>| {
            let (seen, permits) = (seen.clone(), Arc::clone(&permits));
            async move {
                seen.send(items.clone()).unwrap();
                permits.acquire().await.unwrap().forget();
                if items.contains(&13) { Err("unlucky".to_owned()) } else { Ok(items) }
            }
        });
        (group, sets, gate)
    }

    #[tokio::test]
    async fn what_arrives_during_a_flush_shares_the_next() {
        let (group, mut sets, gate) = gated();
        let submit = |n| {
            tokio::spawn({
                let group = group.clone();
                async move { group.submit(1, n).await.unwrap() }
            })
        };
        let first = submit(1);
        assert_eq!(sets.recv().await.unwrap(), [1]);
        let rest: Vec<_> = [2, 3, 4, 5].map(submit).into();
        while group.inner.keys.lock().unwrap()[&1].len() < 4 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(group.submit(1, 6).await, Err(GroupError::Full)));
        gate.add_permits(3);
        assert_eq!(sets.recv().await.unwrap().len(), 3);
        assert_eq!(sets.recv().await.unwrap().len(), 1);
        assert_eq!(first.await.unwrap(), 1);
        for (n, task) in [2, 3, 4, 5].into_iter().zip(rest) {
            assert_eq!(task.await.unwrap(), n);
        }
    }

    #[tokio::test]
    async fn keys_do_not_wait_for_each_other_and_a_failure_is_its_own_sets() {
        let (group, mut sets, gate) = gated();
        let bad = tokio::spawn({
            let group = group.clone();
            async move { group.submit(1, 13).await }
        });
        assert_eq!(sets.recv().await.unwrap(), [13]);
        let good = tokio::spawn({
            let group = group.clone();
            async move { group.submit(2, 7).await }
        });
        assert_eq!(sets.recv().await.unwrap(), [7]);
        gate.add_permits(2);
        assert_eq!(good.await.unwrap().unwrap(), 7);
        assert!(matches!(bad.await.unwrap(), Err(GroupError::Flush(error)) if error == "unlucky"));
    }

    #[tokio::test]
    async fn a_panic_loses_its_set_only() {
        let group: Numbers = GroupCommit::new(SIZE, |_, items: Vec<u32>| async move {
            assert!(!items.contains(&0), "boom");
            Ok(items)
        });
        assert!(matches!(group.submit(1, 0).await, Err(GroupError::Lost)));
        assert_eq!(group.submit(1, 5).await.unwrap(), 5);
    }
}
