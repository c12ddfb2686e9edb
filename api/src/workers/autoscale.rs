//! `GET /v1/autoscale`.
//!
//! One small document that KEDA's metrics-api scaler, or any loop of curl, can read a number from: `valueLocation: backlog`
//! with `?queue=sends`. Its numbers mean the same whether one queue is asked for or all.

use chrono::{DateTime, Utc};
use patchbay_domain::queues::{
    self,
    autoscale::{self, Load},
};
use poem_openapi::{Object, OpenApi, param::Query, payload::Json, types::Example};

use crate::{
    http::{Code, Handled, Problem, SystemCall},
    tags::Tag,
};

/// The load of a queue.
#[derive(Debug, Object)]
#[oai(example)]
pub struct QueueLoad {
    /// The queue's name.
    pub queue: String,
    /// Due jobs that nobody runs yet. Counted up to 10,000.
    pub backlog: u64,
    /// Whether more wait than `backlog` says.
    pub at_least: bool,
    /// For how many seconds the oldest job has been due; 0 where none waits.
    pub oldest_age_seconds: i64,
    /// Jobs that come to be due a second, over the last 15 to 180 seconds; null before the second look.
    pub arrived_per_second: Option<f64>,
    /// Runs that end a second, over the same time.
    pub finished_per_second: Option<f64>,
    /// Jobs that run; null while the dispatcher cannot be asked.
    pub running: Option<u64>,
    /// Jobs that all workers of the queue together may run at a time; null while the dispatcher cannot be asked.
    pub slots: Option<u64>,
}

impl QueueLoad {
    fn at(load: &Load, now: DateTime<Utc>) -> Self {
        Self {
            queue: load.queue.to_owned(),
            backlog: load.backlog,
            at_least: load.at_least,
            oldest_age_seconds: load.oldest.map_or(0, |oldest| (now - oldest).num_seconds().max(0)),
            arrived_per_second: load.flow.map(|flow| flow.arrived_per_second),
            finished_per_second: load.flow.map(|flow| flow.finished_per_second),
            running: load.running,
            slots: load.slots,
        }
    }
}

impl Example for QueueLoad {
    fn example() -> Self {
        Self {
            queue: "sends".to_owned(),
            backlog: 420,
            at_least: false,
            oldest_age_seconds: 3,
            arrived_per_second: Some(140.0),
            finished_per_second: Some(128.0),
            running: Some(64),
            slots: Some(64),
        }
    }
}

/// The load of the queues that were asked for.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Autoscale {
    /// Due jobs that nobody runs yet, in all of them.
    pub backlog: u64,
    /// Whether more wait than `backlog` says.
    pub at_least: bool,
    /// For how many seconds the oldest job has been due.
    pub oldest_age_seconds: i64,
    /// Each queue, by name.
    pub queues: Vec<QueueLoad>,
}

impl Example for Autoscale {
    fn example() -> Self {
        Self { backlog: 420, at_least: false, oldest_age_seconds: 3, queues: vec![QueueLoad::example()] }
    }
}

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get the load of queues
    ///
    /// For those who decide how many workers there are. With `queue` it is about that queue alone, and `backlog` is its
    /// number. For the system key.
    #[oai(path = "/v1/autoscale", method = "get", operation_id = "autoscale_get", tag = "Tag::Autoscale")]
    async fn run(
        &self,
        call: SystemCall,
        /// Only this queue.
        queue: Query<Option<String>>,
    ) -> Handled<Json<Autoscale>> {
        let mut names = queues::names(true);
        if let Some(wanted) = &queue.0 {
            names.retain(|name| name == wanted);
            if names.is_empty() {
                return Err(Problem::new(Code::NotFound, "There is no queue with this name.").into());
            }
        }
        let mut tx = call.begin("the load of all queues is looked at").await?;
        let found = autoscale::read(&mut tx, &names).await?;
        tx.commit().await?;
        let loads = autoscale::dispatched(call.app.db.dispatcher().lanes(), found).await;
        let queues: Vec<_> = loads.into_iter().map(|load| QueueLoad::at(&load, call.now)).collect();
        Ok(Json(Autoscale {
            backlog: queues.iter().map(|queue| queue.backlog).sum(),
            at_least: queues.iter().any(|queue| queue.at_least),
            oldest_age_seconds: queues.iter().map(|queue| queue.oldest_age_seconds).max().unwrap_or(0),
            queues,
        }))
    }
}
