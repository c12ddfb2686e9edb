//! The thread that outlives a runtime whose every thread is stuck: it hears signals, and keeps the watchdog.
//!
//! Its own runtime, and connections of its own: those of the process may be what hangs.

use std::time::Duration;

use futures_util::future::join_all;
use patchbay_queue::backend::Serving;
use patchbay_service::connect;
use patchbay_service::{Config, Shutdown};
use tokio::runtime::{Builder, Handle};

use super::process::{Failure, PROGRAM};
use super::watchdog::Dog;

/// What an end by this thread is known by (`EX_SOFTWARE`).
const BITTEN: i32 = 70;
/// How long after the end was ordered the process may still be there: giving back has its own, shorter limits.
const LAST: Duration = Duration::from_secs(10);

/// The thread; it ends with the process.
pub(super) struct Guard(Handle);

impl Guard {
    pub(super) fn start() -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let wait = move || runtime.block_on(std::future::pending::<()>());
        std::thread::Builder::new().name("guard".to_owned()).spawn(wait)?;
        Ok(Self(handle))
    }

    /// Makes something whose tasks live on this thread.
    pub(super) fn inside<T>(&self, make: impl FnOnce() -> T) -> T {
        let _inside = self.0.enter();
        make()
    }

    /// Ends the process where the dog bites, and where an end that was ordered does not come; what it has in hand
    /// (`serving`) is others' soon.
    pub(super) fn watch(
        &self,
        config: &Config,
        dog: Dog,
        serving: Vec<Serving>,
        shutdown: Shutdown,
    ) -> Result<(), Failure> {
        let (lanes, pools) =
            self.inside(|| Ok::<_, Failure>((connect::lanes(config)?, connect::pools(config, PROGRAM)?)))?;
        self.0.spawn(async move {
            let answers = || {
                let (lanes, pool) = (lanes.clone(), pools.system().clone());
                async move { lanes.ping().await.is_ok() && pool.get().await.is_ok() }
            };
            let verdict = dog.watch(answers).await;
            tracing::error!(%verdict, "the watchdog ends the process");
            join_all(serving.iter().map(|queue| queue.fall(&lanes))).await;
            std::process::exit(BITTEN);
        });
        self.0.spawn(async move {
            shutdown.ended().await;
            tokio::time::sleep(LAST).await;
            tracing::error!("the process does not end by itself; it is ended");
            std::process::exit(BITTEN);
        });
        Ok(())
    }
}
