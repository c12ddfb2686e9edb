//! A server that takes receipts and does nothing with them but count.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running sink; ends when dropped.
pub struct Sink {
    address: SocketAddr,
    taken: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Sink {
    /// Listens on a free port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let taken = Arc::new(AtomicUsize::new(0));
        let count = taken.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let count = count.clone();
                let take = service_fn(move |request| take(request, count.clone()));
                // A connection that breaks off is the simulator's affair: it tries again.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), take));
            }
        });
        Ok(Self { address, taken, serving })
    }

    /// Where the receipts of message `n` go: a path as long as the product's.
    pub fn url(&self, n: usize) -> String {
        format!("http://{}/v1/webhooks/twilio/pac_00000000000000000000000000/status?m=msg_{n:026}", self.address)
    }

    /// Waits until `count` receipts were taken.
    pub async fn until(&self, count: usize, patience: Duration) -> Result<()> {
        let until = Instant::now() + patience;
        while self.taken.load(Ordering::Relaxed) < count {
            ensure!(Instant::now() < until, "{} of {count} receipts came", self.taken.load(Ordering::Relaxed));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(request: Request<Incoming>, taken: Arc<AtomicUsize>) -> Result<Response<Empty<Bytes>>, Infallible> {
    // Its form is read to the end, as whoever uses it must; a body cut short is no receipt.
    if request.into_body().collect().await.is_ok() {
        taken.fetch_add(1, Ordering::Relaxed);
    }
    let mut answer = Response::new(Empty::new());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    Ok(answer)
}
