//! Jobs as apalis's tasks.

use apalis_core::backend::queue::Queue;
use apalis_core::backend::{FetchById, Filter, ListAllTasks, ListTasks};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::rows::{page, status_of};
use super::{Board, BoardError, BoardJob};
use crate::ledger::view::{JobView, get_many, payload};

fn seconds(at: DateTime<Utc>) -> u64 {
    u64::try_from(at.timestamp()).unwrap_or(0)
}

fn count(n: i16) -> usize {
    usize::try_from(n).unwrap_or(0)
}

fn task(view: &JobView, shown: Option<Value>) -> Result<Task<Value>, BoardError> {
    let job = serde_json::to_value(BoardJob { payload: shown, ..BoardJob::of(view) })?;
    let task = TaskBuilder::new(job)
        .task_id(TaskId::from_string(view.id.to_string()))
        .queue(Queue::from(view.queue.as_str()))
        .status(status_of(view))
        .attempt(count(view.errors) + count(view.crashes))
        .max_attempts(count(view.max_attempts))
        .priority(count(view.priority))
        .run_at_timestamp(seconds(view.run_at))
        .lock_at(view.running_since.map(seconds))
        .lock_by(view.worker.clone())
        .done_at(view.finished_at.map(seconds));
    Ok(task.build())
}

impl Board {
    async fn listed(&self, queues: &[String], filter: &Filter) -> Result<Vec<Task<Value>>, BoardError> {
        let views = page(&mut *self.conn().await?, queues, filter).await?;
        views.iter().map(|view| task(view, None)).collect()
    }
}

impl ListTasks for Board {
    async fn list_tasks(&self, filter: &Filter) -> Result<Vec<Task<Value>>, BoardError> {
        self.listed(std::slice::from_ref(&self.queue), filter).await
    }
}

impl ListAllTasks for Board {
    async fn list_all_tasks(&self, filter: &Filter) -> Result<Vec<Task<Value>>, BoardError> {
        self.listed(&self.queues().await?, filter).await
    }
}

impl FetchById for Board {
    async fn fetch_by_id(&mut self, task_id: &TaskId) -> Result<Option<Task<Value>>, BoardError> {
        let Ok(id) = task_id.to_string().parse::<Uuid>() else { return Ok(None) };
        let mut conn = self.conn().await?;
        let Some(view) = get_many(&mut conn, &[id]).await?.into_iter().next() else { return Ok(None) };
        let bytes = payload(&mut conn, view.tenant_id, id).await?;
        let shown = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        task(&view, Some(shown.unwrap_or_default())).map(Some)
    }
}
