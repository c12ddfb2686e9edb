//! The checks behind `/readyz`, run together, each with a time limit, their result kept for a second.
//!
//! The limit and the cache keep probes cheap: however many balancers ask, a slow database sees one check a second.
//! While a run is under way others wait for it instead of starting their own.

use std::{collections::BTreeMap, fmt, future::Future, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture, future::join_all};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::shutdown::Shutdown;

const CHECK_TIMEOUT: Duration = Duration::from_secs(1);
const KEPT_FOR: Duration = Duration::from_secs(1);

type Check = Box<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Whether this process is ready for work. Clones share their checks and the kept result.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    service: String,
    shutdown: Shutdown,
    checks: BTreeMap<&'static str, Check>,
    kept: Mutex<Option<(Instant, Arc<Vec<CheckReport>>)>>,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// What was checked, such as `database`.
    pub name: &'static str,
    /// Why it failed; nothing where it passed.
    pub failure: Option<String>,
}

/// The answer to "ready?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The program that answers.
    pub service: String,
    /// Whether it is ending and takes nothing new.
    pub draining: bool,
    /// Every check, by name.
    pub checks: Arc<Vec<CheckReport>>,
}

impl Report {
    /// Whether work may be sent here: every check passed, and the process is not draining.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.draining && self.checks.iter().all(|check| check.failure.is_none())
    }
}

/// Collects checks.
pub struct HealthBuilder {
    service: String,
    shutdown: Shutdown,
    checks: BTreeMap<&'static str, Check>,
}

impl HealthBuilder {
    /// Adds a check that must pass within a second. Its error is shown in the answer: short, and free of secrets.
    #[must_use]
    pub fn check<F, Answer>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.checks.insert(name, Box::new(move || check().boxed()));
        self
    }

    /// Done.
    #[must_use]
    pub fn build(self) -> Health {
        let Self { service, shutdown, checks } = self;
        Health(Arc::new(Inner { service, shutdown, checks, kept: Mutex::default() }))
    }
}

impl Health {
    /// Starts the list of checks of the program `service`, which `shutdown` ends.
    #[must_use]
    pub fn builder(service: &str, shutdown: &Shutdown) -> HealthBuilder {
        HealthBuilder { service: service.to_owned(), shutdown: shutdown.clone(), checks: BTreeMap::new() }
    }

    /// The name of the program.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.0.service
    }

    /// Runs the checks, or gives the result of the last second.
    pub async fn report(&self) -> Report {
        let mut kept = self.0.kept.lock().await;
        let checks = match kept.as_ref() {
            Some((at, checks)) if at.elapsed() < KEPT_FOR => Arc::clone(checks),
            _ => {
                let checks = Arc::new(join_all(self.0.checks.iter().map(|(name, check)| run(name, check))).await);
                *kept = Some((Instant::now(), Arc::clone(&checks)));
                checks
            }
        };
        Report { service: self.0.service.clone(), draining: self.0.shutdown.is_draining(), checks }
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Health").field(&self.0.service).finish()
    }
}

async fn run(name: &'static str, check: &Check) -> CheckReport {
    let failure = match timeout(CHECK_TIMEOUT, check()).await {
        Ok(result) => result.err(),
        Err(_) => Some("no answer within 1 s".to_owned()),
    };
    if let Some(reason) = &failure {
        tracing::warn!(check = name, reason, "not ready");
    }
    CheckReport { name, failure }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn a_check_that_hangs_fails_after_a_second() {
        let health = Health::builder("t", &Shutdown::new()).check("database", pending).build();
        let report = health.report().await;
        assert!(!report.is_ready());
        assert_eq!(report.checks[0].failure.as_deref(), Some("no answer within 1 s"));
    }

    #[tokio::test]
    async fn askers_at_once_share_one_run() {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let check = || async {
            RUNS.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        let health = Health::builder("t", &Shutdown::new()).check("redis", check).build();
        let reports = join_all((0..20).map(|_| health.report())).await;
        assert!(reports.iter().all(Report::is_ready));
        assert_eq!(RUNS.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn draining_shows_at_once_although_the_checks_are_kept() {
        let shutdown = Shutdown::new();
        let health = Health::builder("t", &shutdown).check("redis", || async { Ok(()) }).build();
        assert!(health.report().await.is_ready());
        shutdown.drain();
        assert!(!health.report().await.is_ready());
    }
}
