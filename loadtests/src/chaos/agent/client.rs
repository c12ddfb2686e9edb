//! A worker's way to the observer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use serde::Serialize;

use crate::chaos::observer::{Begin, Begun, Ended};
use crate::http::Connections;

/// A call that takes longer has failed. Far below what the observer takes for settled.
const PATIENCE: Duration = Duration::from_secs(2);

/// A way to the observer; cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Connections>);

impl Client {
    /// To the observer at `address`; connects when first needed.
    pub fn new(address: SocketAddr) -> Self {
        Self(Arc::new(Connections::new(address)))
    }

    /// Says that a run begins. What is given back ends it when dropped: also when the run is stopped or panics.
    ///
    /// # Errors
    /// An observer that does not answer.
    pub async fn begin(&self, begin: &Begin) -> Result<(Begun, Running)> {
        let begun: Begun = serde_json::from_slice(&self.post("/begin", begin).await?)?;
        let running = Running { client: self.clone(), run: Some(begun.run) };
        Ok((begun, running))
    }

    /// Does what a run is for.
    ///
    /// # Errors
    /// An observer that does not answer: it may have been done.
    pub async fn effect(&self, run: usize) -> Result<()> {
        self.post("/effect", &Ended { run }).await.map(drop)
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> Result<Bytes> {
        let body = Bytes::from(serde_json::to_vec(body)?);
        tokio::time::timeout(PATIENCE, async {
            let mut connection = self.0.take().await?;
            let (status, answer) = connection.post(path, "", body).await?;
            ensure!(status.is_success(), "the observer answered {path} with {status}");
            self.0.give_back(connection);
            Ok(answer)
        })
        .await
        .context("the observer does not answer")?
    }
}

/// A run that the observer knows of; dropped, it is over.
pub struct Running {
    client: Client,
    /// Taken once its end was said.
    run: Option<usize>,
}

impl Running {
    /// It is over, and the observer has heard so.
    ///
    /// # Errors
    /// An observer that does not answer.
    pub async fn over(mut self) -> Result<()> {
        let Some(run) = self.run else { return Ok(()) };
        // Said once more by the drop where it was not heard.
        self.client.post("/end", &Ended { run }).await?;
        self.run = None;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(run) = self.run.take() {
            let client = self.client.clone();
            tokio::spawn(async move { client.post("/end", &Ended { run }).await.map(drop) });
        }
    }
}
