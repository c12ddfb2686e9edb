//! The service that runs a job by its kind: decode, time limit, caught panic, a way to stop it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use tokio::time::error::Elapsed;
use tower::Service;
use tracing::Instrument as _;

use super::company::{Ghost, Place};
use super::inflight::RunId;
use super::threads::{self, Polling};
use super::{Shared, give_back};
use crate::handler::Ran;
use crate::{Envelope, JobContext, JobError, Outcome, Policy, Registry};

/// The handler panicked: counted as a crash.
#[derive(Debug, thiserror::Error)]
#[error("panicked: {detail}")]
pub(super) struct Panicked {
    pub detail: String,
    pub policy: Policy,
}

/// Nobody here knows the kind or the version.
#[derive(Debug, thiserror::Error)]
#[error("kind {kind} version {version} is unknown here")]
pub(crate) struct Unclaimed {
    pub kind: String,
    pub version: i16,
}

/// It could not begin here, and is back in its lane: there is nothing to say of it.
#[derive(Debug, thiserror::Error)]
#[error("it could not begin")]
pub(super) struct GivenBack;

/// The run was stopped from outside (its lease is lost, or the worker ends).
#[derive(Debug, thiserror::Error)]
#[error("the run was stopped")]
pub(super) struct Stopped;

/// The run is past its limit and does not stop: counted as a crash.
#[derive(Debug, thiserror::Error)]
#[error("it ran longer than its kind may and could not be stopped: it does not yield")]
pub(super) struct GivenUp {
    pub policy: Policy,
}

/// A handler's error, with the policy of its kind.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(super) struct Failed {
    pub error: JobError,
    pub policy: Policy,
}

type Running = Pin<Box<dyn Future<Output = Result<Outcome, BoxDynError>> + Send>>;

/// Runs jobs by the handlers of a [`Registry`].
#[derive(Clone)]
pub struct RegistryService {
    shared: Arc<Shared>,
    registry: Arc<Registry>,
}

impl RegistryService {
    pub(super) fn new(shared: Arc<Shared>, registry: Registry) -> Self {
        shared.know(registry.versions());
        Self { shared, registry: Arc::new(registry) }
    }
}

impl Service<Task<Envelope>> for RegistryService {
    type Response = Outcome;
    type Error = BoxDynError;
    type Future = Running;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: Task<Envelope>) -> Self::Future {
        let envelope = task.args;
        if let Some(place) = Place::at_once(&envelope) {
            return self.begin(envelope, place);
        }
        let this = self.clone();
        Box::pin(async move {
            let Some(place) = Place::take(&this.shared, &envelope).await else {
                give_back(&this.shared, &[envelope]).await;
                return Err(GivenBack.into());
            };
            this.begin(envelope, place).await
        })
    }
}

impl RegistryService {
    /// Begins the run of a job that has its place.
    fn begin(&self, envelope: Envelope, place: Place) -> Running {
        let shared = self.shared.clone();
        let place = match place {
            Place::Alone(alone) => shared.inflight.keep_alone(RunId::of(&envelope), alone).map(Place::Alone),
            company @ Place::Company { .. } => Some(company),
        };
        let unclaimed = Unclaimed { kind: envelope.header.kind.clone(), version: envelope.header.version };
        let Some(handler) = self.registry.get(&envelope.header.kind) else {
            return Box::pin(async move { Err(unclaimed.into()) });
        };
        let id = RunId::of(&envelope);
        let policy = handler.policy();
        let seal = self.registry.seal();
        let Some((cancel, reported)) = shared.inflight.handles(id) else {
            // The process stood still after the claim: the job may run elsewhere by now, or be over.
            return Box::pin(async move {
                give_back(&shared, &[envelope]).await;
                Err(GivenBack.into())
            });
        };
        let ctx = JobContext::new(envelope.clone(), shared.clone(), cancel, reported);
        let span = tracing::info_span!(
            "job",
            job = %envelope.id,
            tenant = %envelope.header.tenant,
            kind = envelope.header.kind,
            attempt = ctx.attempt(),
            request_id = envelope.header.request_id,
        );
        let span = self.registry.adopt(span, envelope.header.trace.as_deref());
        let hopeless_at = Instant::now() + policy.timeout + shared.settings.stops_within;
        let was_in_a_crash = envelope.header.suspect || envelope.header.crashes > 0;
        let on_its_own = was_in_a_crash || shared.holders.remembers(&envelope.header.kind);
        let polling = Polling::default();
        let run = polling.clone().watch(
            async move {
                tokio::time::timeout(
                    policy.timeout,
                    handler.run(envelope.header.version, &envelope.payload, seal.as_deref(), &ctx),
                )
                .await
            }
            .instrument(span),
        );
        let (mut run, abort) = threads::spawn(run, on_its_own);
        let Some(given_up) = shared.inflight.started(id, abort.clone(), polling, hopeless_at) else {
            // The lease was lost before the run began.
            abort.abort();
            tokio::spawn(outlast(run, Ghost::walks()));
            return Box::pin(async { Err(Stopped.into()) });
        };
        Box::pin(async move {
            let ended = tokio::select! {
                biased;
                ended = &mut run => ended,
                told = given_up => {
                    if told.is_err() {
                        tokio::spawn(outlast(run, Ghost::walks()));
                        return Err(Stopped.into());
                    }
                    tokio::spawn(lay(shared, id.ghost(), run, Ghost::walks()));
                    return Err(GivenUp { policy }.into());
                }
            };
            drop(place);
            match ended {
                Ok(Ok(ended)) => told(Ok(ended), policy, unclaimed),
                Err(ended) if ended.is_panic() => told(Err(ended.into_panic()), policy, unclaimed),
                Ok(Err(_)) | Err(_) => Err(Stopped.into()),
            }
        })
    }
}

/// What a run that came to an end by itself says: within its time or not, or (the outer error) by a panic.
pub(crate) fn told(
    ended: std::thread::Result<Result<Ran, Elapsed>>,
    policy: Policy,
    unclaimed: Unclaimed,
) -> Result<Outcome, BoxDynError> {
    match ended {
        Ok(Ok(Ran::Ended(Ok(outcome)))) => Ok(outcome),
        Ok(Ok(Ran::Ended(Err(error)))) => Err(Failed { error, policy }.into()),
        Ok(Ok(Ran::Unknown)) => Err(unclaimed.into()),
        Ok(Err(_)) => {
            let detail = format!("ran longer than {} s", policy.timeout.as_secs_f64());
            Err(Failed { error: JobError::retryable("timed_out", detail), policy }.into())
        }
        Err(payload) => {
            let text = payload
                .downcast_ref::<&str>()
                .map(ToString::to_string)
                .or_else(|| payload.downcast_ref::<String>().cloned());
            let detail = text.unwrap_or_else(|| "with something that is no text".into());
            Err(Panicked { detail, policy }.into())
        }
    }
}

/// Waits for the end of a run that nobody asks for any more. Until then nobody is alone.
async fn outlast<T>(run: tokio::task::JoinHandle<T>, walks: Ghost) {
    // However it ended.
    let _unheard = run.await;
    drop(walks);
}

/// Ends the ghost's lease when the run that it stands for ends after all.
async fn lay<T>(shared: Arc<Shared>, ghost: RunId, run: tokio::task::JoinHandle<T>, walks: Ghost) {
    outlast(run, walks).await;
    shared.inflight.forget(std::iter::once(ghost));
    if let Err(error) = shared.lanes.ack(&shared.queue, &[(ghost.job, ghost.token)]).await {
        tracing::debug!(queue = shared.queue, %error, "the lease of a run that was given up runs out");
    }
}
