//! The layer that sees how a run ended, and says so to the acknowledge loop.
//!
//! apalis puts a backend's layer outside of the user's, so that it sees the last word: after
//! timeouts, caught panics, whatever the user wrapped around the handler.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use serde_json::Value;
use tokio::sync::mpsc;
use tower::{Layer, Service};

use super::ack_loop::Ended;
use super::inflight::RunId;
use super::judge::{Over, judge};
use super::service::GivenBack;
use super::{Shared, company};
use crate::{Envelope, Outcome};

/// What a plain apalis handler may answer: `()` is "done".
pub trait Settles {
    /// The outcome it stands for.
    fn outcome(self) -> Outcome;
}

impl Settles for () {
    fn outcome(self) -> Outcome {
        Outcome::Done(None)
    }
}

impl Settles for Value {
    fn outcome(self) -> Outcome {
        Outcome::Done(Some(self))
    }
}

impl Settles for Outcome {
    fn outcome(self) -> Outcome {
        self
    }
}

/// See the module.
#[derive(Clone)]
pub struct OutcomeLayer {
    shared: Arc<Shared>,
    sender: mpsc::Sender<Ended>,
}

impl OutcomeLayer {
    pub(super) const fn new(shared: Arc<Shared>, sender: mpsc::Sender<Ended>) -> Self {
        Self { shared, sender }
    }
}

impl<S> Layer<S> for OutcomeLayer {
    type Service = OutcomeService<S>;

    fn layer(&self, inner: S) -> OutcomeService<S> {
        OutcomeService { inner, shared: self.shared.clone(), sender: self.sender.clone() }
    }
}

/// See the module.
#[derive(Clone)]
pub struct OutcomeService<S> {
    inner: S,
    shared: Arc<Shared>,
    sender: mpsc::Sender<Ended>,
}

impl<S> Service<Task<Envelope>> for OutcomeService<S>
where
    S: Service<Task<Envelope>>,
    S::Error: Into<BoxDynError>,
    S::Response: Settles,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = Pin<Box<dyn Future<Output = Result<(), BoxDynError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Envelope>) -> Self::Future {
        let envelope = Envelope { payload: bytes::Bytes::new(), ..task.args.clone() };
        let run = self.inner.call(task);
        let (shared, sender) = (self.shared.clone(), self.sender.clone());
        Box::pin(async move {
            company::note_plain(&shared, &envelope).await;
            let (started_at, since) = (shared.settings.clock.now(), Instant::now());
            let result: Result<Outcome, BoxDynError> = run.await.map(Settles::outcome).map_err(Into::into);
            if result.as_ref().is_err_and(|error| error.is::<GivenBack>()) {
                return Ok(());
            }
            let id = RunId::of(&envelope);
            let known = shared.inflight.known(id);
            let over = Over {
                worker: &shared.settings.worker,
                envelope: &envelope,
                at: shared.settings.clock.now(),
                ran: since.elapsed(),
                interrupted: known.interrupted,
                cancelled: known.cancelled,
            };
            let end = judge(&over, result);
            shared.meters.ended(&envelope.header.kind, envelope.id, &end, over.at, Some(over.ran));
            let ended = Ended::new(&envelope, started_at, end, known.progress);
            // A full channel holds the slot: outcomes that cannot be written slow claims down.
            let _closed = sender.send(ended).await;
            shared.inflight.ended(id);
            Ok(())
        })
    }
}
