//! An apalis worker at work, and how to stop it.

use anyhow::Result;
use apalis_core::error::WorkerError;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;

/// A worker at work.
pub struct Running {
    stop: tokio::sync::oneshot::Sender<()>,
    ended: JoinHandle<Result<(), WorkerError>>,
}

/// Resolves when the worker is to stop.
pub type Until = BoxFuture<'static, Result<(), std::io::Error>>;

impl Running {
    /// Runs `work` with the signal to end.
    pub fn start<F>(work: impl FnOnce(Until) -> F) -> Self
    where
        F: Future<Output = Result<(), WorkerError>> + Send + 'static,
    {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let until: Until = Box::pin(async move {
            // A sender that is gone says the same.
            stopped.await.ok();
            Ok(())
        });
        Self { stop, ended: tokio::spawn(work(until)) }
    }

    /// Stops it and waits for its end.
    pub async fn stop(self) -> Result<()> {
        self.stop.send(()).ok();
        Ok(self.ended.await??)
    }
}
