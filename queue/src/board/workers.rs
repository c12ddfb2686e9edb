//! The processes that work.

use apalis_core::backend::{ListWorkers, RunningWorker};
use chrono::{DateTime, Utc};

use super::{Board, BoardError};

fn seconds(at: DateTime<Utc>) -> u64 {
    u64::try_from(at.timestamp()).unwrap_or(0)
}

impl Board {
    async fn running(&self, of: Option<&str>) -> Result<Vec<RunningWorker>, BoardError> {
        let workers = self.lanes.workers().await?;
        let mut running = Vec::new();
        for worker in workers {
            for queue in worker.queues.iter().filter(|queue| of.is_none_or(|of| queue.queue == of)) {
                running.push(RunningWorker {
                    id: worker.id.clone(),
                    queue: queue.queue.clone(),
                    backend: "patchbay-queue".into(),
                    started_at: seconds(worker.started_at),
                    last_heartbeat: seconds(worker.seen_at),
                    layers: String::new(),
                });
            }
        }
        Ok(running)
    }
}

impl ListWorkers for Board {
    async fn list_workers(&self) -> Result<Vec<RunningWorker>, BoardError> {
        self.running(Some(&self.queue)).await
    }

    async fn list_all_workers(&self) -> Result<Vec<RunningWorker>, BoardError> {
        self.running(None).await
    }
}
