//! What users of the engine test their own jobs with: the engine's semantics in memory, and a clock that is moved.
//!
//! A [`TestQueue`] takes jobs as the ledger does (unique keys, dependencies, order, groups, held and delayed jobs),
//! serves them as the lanes do (tenants and lanes in turn by cost and weight, priorities, pauses, penalties, and every
//! [`Limit`](crate::lanes::Limit) on every key: rates, concurrency, opening hours, circuit breakers) and runs them by
//! the handlers of the same [`Registry`](crate::Registry) as a worker, through the same judgement of results. No
//! PostgreSQL, no Redis, and no waiting for what the engine puts off: a retry in an hour, or tomorrow's opening, is a
//! [`skip`](TestQueue::skip) away. One thing runs by tokio's clock instead: the time limit of a kind's
//! [`Policy`](crate::Policy). A handler that hangs is stopped after so long in real time, or at once where the test has
//! paused its runtime's clock (`start_paused`); `skip` does not bring that nearer.
//!
//! Jobs run one after the other unless a test asks for more at a time ([`drain_with`](TestQueue::drain_with)), which is when
//! concurrency binds. A worker that vanishes is a future that is dropped ([`crash`](TestQueue::crash)): its jobs come back
//! when their lease is over, or are dead letters after the third time.
//!
//! What it leaves out is what no handler can see: windows of a backlog (every job is in its lane), the slots and processes
//! of several workers (what a worker that ends gives back, and that a last chance runs alone), and the door, which asks for
//! the depth of a tenant's backlog before there is a job.
//!
//! That it does as the real engine does is itself a test, as far as this goes: `tests/engine/testkit/same.rs` runs the
//! same random histories of one lane through both (unique and ordered jobs, dependencies, groups, held jobs, what a
//! person decides, errors, workers that vanish, hours that pass, and on any key of the lane a rate, a concurrency,
//! hours or a breaker), and compares each job's state, who holds it, its errors, crashes and attempts. Not compared are
//! whose turn it is among lanes and tenants (weights, costs, priorities), pauses and penalties, and what handlers do
//! beyond an error (snooze, panic, take tokens): there the kit is as good as its own tests.
//!
//! Rejected: starting real servers for every unit test, which is what `tests/` of the product are for; a task for each
//! handler, whose order nobody could foretell.
//!
//! ```
//! use std::time::Duration;
//! use async_trait::async_trait;
//! use patchbay_queue::testkit::TestQueue;
//! use patchbay_queue::{Handler, Job, JobContext, JobError, Outcome, Policy, Registry};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Welcome { name: String }
//!
//! impl Job for Welcome {
//!     const KIND: &'static str = "mail.welcome";
//!     const VERSION: i16 = 1;
//!     const QUEUE: &'static str = "mail";
//!     const POLICY: Policy = Policy::DEFAULT;
//! }
//!
//! struct Greeter;
//!
//! #[async_trait]
//! impl Handler<Welcome> for Greeter {
//!     async fn run(&self, job: Welcome, ctx: &JobContext) -> Result<Outcome, JobError> {
//!         if ctx.attempt() == 1 {
//!             return Err(JobError::retryable("busy", "the post office is closed"));
//!         }
//!         Ok(Outcome::Done(Some(job.name.into())))
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let queue = TestQueue::new();
//! let id = queue.enqueue(queue.request(Welcome { name: "Ada".into() }));
//! queue.assert_enqueued::<Welcome>(|job| job.payload.name == "Ada");
//!
//! let registry = Registry::default().with::<Welcome, _>(Greeter);
//! assert_eq!(queue.drain(&registry).await.retried, 1);
//! queue.skip(Duration::from_secs(60));
//! assert_eq!(queue.drain(&registry).await.succeeded, 1);
//! assert_eq!(queue.job(id).result, Some("Ada".into()));
//! # });
//! ```
//!
//! Whoever enqueues, a service or a handler with a follow-up, takes anything that is [`Enqueue`](crate::Enqueue): the
//! process gives it an [`Enqueuer`](crate::Enqueuer), and a test the queue that it asks afterwards:
//!
//! ```
//! # use patchbay_queue::testkit::TestQueue;
//! # use patchbay_queue::{Enqueue, EnqueueError, Job, JobRequest, Policy};
//! # use serde::{Deserialize, Serialize};
//! # use uuid::Uuid;
//! # #[derive(Serialize, Deserialize)]
//! # struct Welcome { name: String }
//! # impl Job for Welcome {
//! #     const KIND: &'static str = "mail.welcome";
//! #     const VERSION: i16 = 1;
//! #     const QUEUE: &'static str = "mail";
//! #     const POLICY: Policy = Policy::DEFAULT;
//! # }
//! struct SignUp<E> { jobs: E }
//!
//! impl<E: Enqueue> SignUp<E> {
//!     async fn sign_up(&self, member: Uuid, tenant: Uuid, name: &str) -> Result<(), EnqueueError> {
//!         let welcome = Welcome { name: name.to_owned() };
//!         self.jobs.enqueue(JobRequest::new(member, tenant, welcome).into()).await?;
//!         Ok(())
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let queue = TestQueue::new();
//! let service = SignUp { jobs: queue.clone() };
//! service.sign_up(queue.id(), Uuid::max(), "Ada").await.unwrap();
//! queue.assert_enqueued::<Welcome>(|job| job.payload.name == "Ada");
//! # });
//! ```

mod breaker;
mod bucket;
mod ends;
mod enqueue;
mod keys;
mod limits;
mod memory;
mod queue;
mod row;
mod run;
mod runs;
mod ties;
mod turn;

pub(crate) use memory::Memory;
pub use queue::{Drained, Enqueued, TestQueue};
pub use row::{State, TestJob};
pub use runs::LEASE;
