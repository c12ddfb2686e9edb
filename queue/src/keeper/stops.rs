//! What providers stopped is noted in the ledger, once a second, and told again to a Redis that was emptied.
//!
//! Handlers tell only Redis of a penalty or a failure, at once and for all workers: a write to the ledger with each would
//! make an outage dearer. What came in the last second before a flush is learnt again from the provider. How to break it:
//! take back what Redis does not show any more (it may just have been emptied); rows go when their time is over.

use std::collections::HashMap;

use super::{Keeper, KeeperError, LedgerConn};
use crate::lanes::{LaneName, Stop};
use crate::ledger::{self, controls};

/// Less is over before it could be told again.
const WORTH_NOTING_MS: i64 = 1_000;

/// What the ledger knows, by key and sort (whether it is a breaker).
pub(super) type Noted = HashMap<(LaneName, bool), Stop>;

impl Keeper {
    /// Notes what is new or lasts longer.
    pub(super) async fn note_stops(
        &self,
        conn: &mut LedgerConn,
        noted: &mut Noted,
        queue: &str,
    ) -> Result<(), KeeperError> {
        let stops = self.lanes.stops(queue).await?;
        if stops.is_empty() && noted.is_empty() {
            return Ok(());
        }
        let worth = ledger::now(conn).await?.timestamp_millis() + WORTH_NOTING_MS;
        noted.retain(|_, stop| stop.until_ms > worth);
        let key = |stop: &Stop| (stop.key.clone(), stop.opened.is_some());
        let news: Vec<Stop> =
            stops.into_iter().filter(|stop| stop.until_ms > worth && noted.get(&key(stop)) != Some(stop)).collect();
        if !news.is_empty() {
            controls::note_stops(conn, queue, &news).await?;
            noted.extend(news.into_iter().map(|stop| (key(&stop), stop)));
        }
        Ok(())
    }

    /// Tells a queue that is about to be opened.
    pub(super) async fn tell_stops(&self, conn: &mut LedgerConn, queue: &str) -> Result<(), KeeperError> {
        let stops = controls::stops(conn, queue).await?;
        Ok(self.lanes.tell_stops(queue, &stops).await?)
    }
}
