//! The queue as [apalis-board](https://docs.rs/apalis-board) looks at it: apalis's `Expose` traits.
//!
//! A [`Board`] watches, lists and enqueues; it runs nothing (its stream of tasks never yields), because a board sits
//! behind a lock that every request takes, which is no place for a worker's loops. One board for each queue that is to be
//! shown. It reads with the role that sees every tenant: serve it to operators only. Payloads are not shown in lists
//! (they may hold what people wrote to each other), only where one job is asked for by its id.
//!
//! Jobs are listed newest first. apalis's pages are numbers, not keys, so a page far back costs what stands before it:
//! [`DEEPEST`] bounds it. For programs there are the keyset lists of [`ledger::list`](crate::ledger::list).

mod job;
mod metrics;
mod rows;
mod sink;
mod tasks;
mod workers;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig, WireFormatBackend};
use apalis_core::task::Task;
use apalis_core::worker::context::WorkerContext;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::Object;
use serde_json::Value;
use uuid::Uuid;

pub use job::{BoardCodec, BoardJob};
pub use rows::DEEPEST;

use crate::context::LedgerPool;
use crate::job::DecodeError;
use crate::{Job, Lanes, NewJob};

/// One queue on a board.
pub struct Board {
    queue: String,
    lanes: Lanes,
    ledger: LedgerPool,
    ids: Arc<dyn Fn() -> Uuid + Send + Sync>,
    codec: BoardCodec,
    /// The kinds that may be put in.
    kinds: BTreeMap<&'static str, job::Make>,
    /// Put in and not flushed yet.
    unsent: Vec<NewJob>,
    sending: Option<sink::Sending>,
}

/// The board could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// PostgreSQL did not answer.
    #[error("ledger: {0}")]
    Ledger(#[from] diesel::result::Error),
    /// No connection to PostgreSQL could be had.
    #[error("ledger pool: {0}")]
    Pool(String),
    /// Redis did not answer.
    #[error("redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// What was put in is no job.
    #[error("no job: {0}")]
    NoJob(#[from] serde_json::Error),
    /// The payload is not what its kind promises.
    #[error("no payload of its kind: {0}")]
    Payload(#[from] DecodeError),
    /// The board was not given this kind ([`Board::taking`]).
    #[error(
        "the board of {queue} takes no jobs of the kind {kind}: let its program give it that kind (`Board::taking`)"
    )]
    Unknown {
        /// The board's queue.
        queue: String,
        /// What was put in.
        kind: String,
    },
    /// The kind has secret fields, and a board has no key to seal them with.
    #[error("{kind} has secret fields, which a board cannot seal: enqueue such jobs with a program that can")]
    Secret {
        /// The kind.
        kind: &'static str,
    },
}

impl Board {
    /// A board of `queue`. `ids` makes the ids (UUIDv7) of jobs that are put in from it, of the kinds that it is given
    /// ([`taking`](Self::taking)).
    pub fn new(
        queue: impl Into<String>,
        lanes: Lanes,
        ledger: LedgerPool,
        ids: impl Fn() -> Uuid + Send + Sync + 'static,
    ) -> Self {
        Self {
            queue: queue.into(),
            lanes,
            ledger,
            ids: Arc::new(ids),
            codec: BoardCodec,
            kinds: BTreeMap::new(),
            unsent: Vec::new(),
            sending: None,
        }
    }

    /// Lets jobs of the kind `J` be put in, under that kind's policy.
    ///
    /// # Panics
    /// When `J` waits in another queue: a mistake in the program.
    #[must_use]
    pub fn taking<J: Job>(mut self) -> Self {
        assert!(J::QUEUE == self.queue, "{} waits in {}, not in {}", J::KIND, J::QUEUE, self.queue);
        self.kinds.insert(J::KIND, job::make::<J>);
        self
    }

    /// The job that the ledger takes.
    fn make(&self, job: BoardJob) -> Result<NewJob, BoardError> {
        match self.kinds.get(job.kind.as_str()) {
            Some(make) => make(job, (self.ids)()),
            None => Err(BoardError::Unknown { queue: self.queue.clone(), kind: job.kind }),
        }
    }

    async fn conn(&self) -> Result<Object<AsyncPgConnection>, BoardError> {
        self.ledger.get().await.map_err(|error| BoardError::Pool(error.to_string()))
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl Backend for Board {
    type Task = Task<Value>;
    type Error = BoardError;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), BoardError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Option<Result<Task<Value>, BoardError>>> {
        Poll::Pending
    }

    fn poll_close(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), BoardError>> {
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for Board {
    type Args = BoardJob;
    type Id = Uuid;
    type Kind = Ephemeral;
    type Config = String;
    type Layer = ();

    fn config(&self) -> &String {
        &self.queue
    }

    fn middleware(&mut self, _: &mut WorkerContext) {}
}

impl WireFormatBackend for Board {
    type Codec = BoardCodec;
    type Compact = Value;

    fn codec(&self) -> &BoardCodec {
        &self.codec
    }
}
