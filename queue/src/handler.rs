//! Handlers by kind: what a worker knows how to run.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use tracing::Span;

use crate::job::DecodeError;
use crate::seal::{Seal, open_fields};
use crate::{Job, JobContext, JobError, Outcome, Policy};

/// Does the work of one kind of job. Runs may be repeated (after a crash, a lost lease): an effect
/// outside has to be recorded before it is tried, and looked up before it is tried again.
#[async_trait]
pub trait Handler<J: Job>: Send + Sync + 'static {
    /// Runs the job.
    ///
    /// # Errors
    /// What went wrong; its class decides what follows.
    async fn run(&self, job: J, ctx: &JobContext) -> Result<Outcome, JobError>;
}

/// How a run ended, seen from the registry.
pub(crate) enum Ran {
    /// The handler came to an end.
    Ended(Result<Outcome, JobError>),
    /// This handler does not know the payload's version; somebody else may.
    Unknown,
}

#[async_trait]
pub(crate) trait Erased: Send + Sync {
    fn policy(&self) -> Policy;
    /// The newest payload version it knows.
    fn version(&self) -> i16;
    async fn run(&self, version: i16, payload: &[u8], seal: Option<&dyn Seal>, ctx: &JobContext) -> Ran;
}

struct Typed<J, H> {
    handler: H,
    job: PhantomData<fn(J)>,
}

#[async_trait]
impl<J: Job, H: Handler<J>> Erased for Typed<J, H> {
    fn policy(&self) -> Policy {
        J::POLICY
    }

    fn version(&self) -> i16 {
        J::VERSION
    }

    async fn run(&self, version: i16, payload: &[u8], seal: Option<&dyn Seal>, ctx: &JobContext) -> Ran {
        let opened = if J::SECRET_FIELDS.is_empty() {
            Cow::Borrowed(payload)
        } else {
            match open_fields(seal, ctx.tenant(), J::KIND, J::SECRET_FIELDS, payload) {
                Ok(opened) => Cow::Owned(opened),
                Err(error) => return Ran::Ended(Err(JobError::permanent("payload_sealed", error.to_string()))),
            }
        };
        match J::decode(version, &opened) {
            Ok(job) => Ran::Ended(self.handler.run(job, ctx).await),
            Err(DecodeError::Newer { .. }) => Ran::Unknown,
            Err(DecodeError::Malformed(detail)) => Ran::Ended(Err(JobError::permanent("payload_malformed", detail))),
        }
    }
}

/// Makes the span of a run a child of what caused the job, named by its `traceparent`, and gives it back.
pub type Adopt = fn(Span, Option<&str>) -> Span;

/// The handlers of a worker, by kind.
#[derive(Clone, Default)]
pub struct Registry {
    handlers: BTreeMap<&'static str, Arc<dyn Erased>>,
    adopt: Option<Adopt>,
    seal: Option<Arc<dyn Seal>>,
}

impl Registry {
    /// Adds the handler of `J`.
    ///
    /// # Panics
    /// When `J` has one already: two handlers for a kind is a mistake in the program.
    #[must_use]
    pub fn with<J: Job, H: Handler<J>>(mut self, handler: H) -> Self {
        let typed = Typed { handler, job: PhantomData };
        assert!(self.handlers.insert(J::KIND, Arc::new(typed)).is_none(), "two handlers for {}", J::KIND);
        self
    }

    /// Lets `adopt` link each run's span to its cause. The engine knows no tracing system; whoever starts one does.
    #[must_use]
    pub fn adopting(mut self, adopt: Adopt) -> Self {
        self.adopt = Some(adopt);
        self
    }

    /// Opens the secret fields of payloads with `seal`.
    #[must_use]
    pub fn opening(mut self, seal: Arc<dyn Seal>) -> Self {
        self.seal = Some(seal);
        self
    }

    pub(crate) fn seal(&self) -> Option<Arc<dyn Seal>> {
        self.seal.clone()
    }

    pub(crate) fn adopt(&self, span: Span, traceparent: Option<&str>) -> Span {
        match self.adopt {
            Some(adopt) => adopt(span, traceparent),
            None => span,
        }
    }

    /// The kinds that have a handler, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.handlers.keys().copied()
    }

    /// The kinds that have a handler, each with the newest payload version it knows.
    pub(crate) fn versions(&self) -> BTreeMap<String, i16> {
        self.handlers.iter().map(|(kind, handler)| ((*kind).to_owned(), handler.version())).collect()
    }

    pub(crate) fn get(&self, kind: &str) -> Option<Arc<dyn Erased>> {
        self.handlers.get(kind).cloned()
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.handlers.keys()).finish()
    }
}
