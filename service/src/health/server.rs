//! The listener of a worker or the scheduler. It stays up while the process drains, so that the last numbers can be
//! scraped, and ends with the process.

use std::{io, net::SocketAddr, time::Duration};

use poem::{
    Server,
    listener::{Acceptor, Listener, TcpListener},
};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Health, routes};

/// How long answers under way may take once the listener is stopped.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// A running listener. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct HealthServer {
    address: SocketAddr,
    task: JoinHandle<io::Result<()>>,
    stop: DropGuard,
}

impl HealthServer {
    /// Where it listens: the real port, where the configured one is 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening and waits for the answers under way.
    ///
    /// # Errors
    /// The server failed, or its task panicked.
    pub async fn stop(self) -> io::Result<()> {
        drop(self.stop);
        self.task.await.map_err(io::Error::other)?
    }
}

/// Serves [`routes`] on `listen`.
///
/// # Errors
/// The address cannot be listened on; the error names it.
pub async fn serve(listen: SocketAddr, health: &Health) -> io::Result<HealthServer> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {listen}: {error}"));
    let acceptor = TcpListener::bind(listen).into_acceptor().await.map_err(named)?;
    let bound = acceptor.local_addr();
    let address = bound.first().and_then(|address| address.as_socket_addr()).copied().unwrap_or(listen);
    let token = CancellationToken::new();
    let stopped = token.clone().cancelled_owned();
    let server = Server::new_with_acceptor(acceptor).name("health");
    let task = tokio::spawn(server.run_with_graceful_shutdown(routes(health), stopped, Some(LAST_ANSWERS)));
    Ok(HealthServer { address, task, stop: token.drop_guard() })
}
