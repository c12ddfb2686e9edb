//! The service that runs a job by its kind: decode, time limit, caught panic, a way to stop it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use tower::Service;
use tracing::Instrument as _;

use super::Shared;
use crate::handler::Ran;
use crate::{Envelope, JobContext, JobError, Outcome, Policy, Registry};

/// The handler panicked: counted as a crash.
#[derive(Debug, thiserror::Error)]
#[error("panicked: {0}")]
pub(super) struct Panicked(pub String);

/// Nobody here knows the kind or the version.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unclaimed(pub String);

/// The run was stopped from outside (its lease is lost, or the worker ends).
#[derive(Debug, thiserror::Error)]
#[error("the run was stopped")]
pub(super) struct Stopped;

/// A handler's error, with the policy of its kind.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(super) struct Failed {
    pub error: JobError,
    pub policy: Policy,
}

/// Runs jobs by the handlers of a [`Registry`].
#[derive(Clone)]
pub struct RegistryService {
    shared: Arc<Shared>,
    registry: Arc<Registry>,
}

impl RegistryService {
    pub(super) fn new(shared: Arc<Shared>, registry: Registry) -> Self {
        Self { shared, registry: Arc::new(registry) }
    }
}

impl Service<Task<Envelope>> for RegistryService {
    type Response = Outcome;
    type Error = BoxDynError;
    type Future = Pin<Box<dyn Future<Output = Result<Outcome, BoxDynError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: Task<Envelope>) -> Self::Future {
        let envelope = task.args;
        let shared = self.shared.clone();
        let Some(handler) = self.registry.get(&envelope.header.kind) else {
            let unknown = Unclaimed(format!("kind {}", envelope.header.kind));
            return Box::pin(async move { Err(unknown.into()) });
        };
        let id = envelope.id;
        let policy = handler.policy();
        let ctx = JobContext::new(
            envelope.clone(),
            &shared.queue,
            &shared.settings.worker,
            shared.lanes.clone(),
            shared.ledger.clone(),
            shared.inflight.cancel_token(id),
            shared.inflight.reported(id),
        );
        let span = tracing::info_span!(
            "job",
            job = %id,
            tenant = %envelope.header.tenant,
            kind = envelope.header.kind,
            attempt = ctx.attempt(),
            request_id = envelope.header.request_id,
        );
        let span = self.registry.adopt(span, envelope.header.trace.as_deref());
        // Its own task: runs spread over the cores, a panic ends only this one, and it can be stopped.
        let run = tokio::spawn(
            async move {
                tokio::time::timeout(policy.timeout, handler.run(envelope.header.version, &envelope.payload, &ctx))
                    .await
            }
            .instrument(span),
        );
        shared.inflight.started(id, run.abort_handle());
        Box::pin(async move {
            match run.await {
                Ok(Ok(Ran::Ended(Ok(outcome)))) => Ok(outcome),
                Ok(Ok(Ran::Ended(Err(error)))) => Err(Failed { error, policy }.into()),
                Ok(Ok(Ran::Unknown(detail))) => Err(Unclaimed(detail).into()),
                Ok(Err(_)) => {
                    let detail = format!("ran longer than {} s", policy.timeout.as_secs());
                    Err(Failed { error: JobError::retryable("timed_out", detail), policy }.into())
                }
                Err(ended) if ended.is_panic() => {
                    let payload = ended.into_panic();
                    let text = payload
                        .downcast_ref::<&str>()
                        .map(ToString::to_string)
                        .or_else(|| payload.downcast_ref::<String>().cloned());
                    Err(Panicked(text.unwrap_or_else(|| "with something that is no text".into())).into())
                }
                Err(_) => Err(Stopped.into()),
            }
        })
    }
}
