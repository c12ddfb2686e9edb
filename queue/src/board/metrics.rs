//! Queues and their figures.

use apalis_core::backend::{ListQueues, Metrics, QueueInfo, StatType, Statistic};

use super::{Board, BoardError};
use crate::ledger::{depth, refill};

impl Board {
    /// The queues in which anything waits or runs, and this board's own.
    pub(super) async fn queues(&self) -> Result<Vec<String>, BoardError> {
        let mut names = refill::queues(&mut *self.conn().await?).await?;
        names.extend(self.lanes.known_queues().await?);
        names.push(self.queue.clone());
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    async fn figures(&self, queue: &str) -> Result<Vec<Statistic>, BoardError> {
        let stats = self.lanes.queue_stats(queue).await?;
        let mut conn = self.conn().await?;
        let depth = diesel_async::AsyncConnection::transaction(&mut *conn, async |conn| {
            depth::queues(conn, &[queue], None).await
        })
        .await?
        .into_iter()
        .next();
        let (due, more) = depth.as_ref().map_or((0, false), |depth| (depth.due, depth.at_least));
        let now = self.lanes.time(queue).await?;
        let age = depth.and_then(|depth| depth.oldest).map_or(0, |oldest| (now - oldest).num_seconds().max(0));
        let waiting = due.saturating_sub(i64::try_from(stats.running).unwrap_or(0)).max(0);
        let waiting = if more { format!("{due}+") } else { waiting.to_string() };
        Ok(vec![
            figure("Waiting", waiting, 1),
            figure("Running", stats.running.to_string(), 2),
            figure("Oldest (seconds)", age.to_string(), 3),
            figure("Tenants in turn", stats.ready_tenants.to_string(), 4),
            figure("Tenants held up", stats.waiting_tenants.to_string(), 5),
        ])
    }
}

fn figure(title: &str, value: String, priority: u64) -> Statistic {
    Statistic { title: title.into(), stat_type: StatType::Number, value, priority: Some(priority) }
}

impl Metrics for Board {
    async fn global(&self) -> Result<Vec<Statistic>, BoardError> {
        let mut running = 0;
        let queues = self.queues().await?;
        for queue in &queues {
            running += self.lanes.queue_stats(queue).await?.running;
        }
        Ok(vec![figure("Queues", queues.len().to_string(), 1), figure("Running", running.to_string(), 2)])
    }

    async fn fetch_by_queue(&self) -> Result<Vec<Statistic>, BoardError> {
        self.figures(&self.queue).await
    }
}

impl ListQueues for Board {
    async fn list_queues(&self) -> Result<Vec<QueueInfo>, BoardError> {
        let workers = self.lanes.workers().await?;
        let mut queues = Vec::new();
        for name in self.queues().await? {
            let stats = self.figures(&name).await?;
            let workers = workers.iter().filter(|worker| worker.queues.iter().any(|queue| queue.queue == name));
            let workers = workers.map(|worker| worker.id.clone()).collect();
            // The ledger keeps no counts by day.
            queues.push(QueueInfo { name, stats, workers, activity: Vec::new() });
        }
        Ok(queues)
    }
}
