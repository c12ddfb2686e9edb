//! The outside observer: what jobs are for happens here, over HTTP, and is counted here and nowhere else.
//!
//! It plays the provider that can be asked: a run tells its intent and hears in the same step what is known of the job. It
//! does *not* make a repeated effect harmless, as an idempotency key would: each call counts, so that an engine
//! which runs a job twice at the same time is caught. It runs in the process that breaks things, which is never broken.

mod book;
mod wire;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use book::{Book, Run, Seen};
pub use wire::{Begin, Begun, Ended, Then};

/// A handle to the book; all clones see the same.
#[derive(Clone)]
pub struct Witness(Arc<Mutex<Book>>);

impl Witness {
    /// The book.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().expect("no holder of this lock can panic")
    }
}

/// A running observer; ends when dropped.
pub struct Observer {
    /// What it saw.
    pub witness: Witness,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Observer {
    /// Listens on a free port.
    ///
    /// # Errors
    /// No free port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let witness = Witness(Arc::new(Mutex::new(Book::new())));
        let seen = witness.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).ok();
                let seen = seen.clone();
                let answer = service_fn(move |request| answer(request, seen.clone()));
                // A connection that breaks off is a worker that was killed.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        Ok(Self { witness, address, serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(request: Request<Incoming>, seen: Witness) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let said = match path.as_str() {
        "/begin" => read::<Begin>(&body).map(|begin| serde_json::to_vec(&seen.book().begin(begin)).unwrap_or_default()),
        "/effect" => read::<Ended>(&body).map(|ended| seen.book().effect(ended.run)).map(|()| Vec::new()),
        "/end" => read::<Ended>(&body).map(|ended| seen.book().end(ended.run)).map(|()| Vec::new()),
        _ => None,
    };
    let mut response = Response::new(Full::from(said.clone().unwrap_or_default()));
    if said.is_none() {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Option<T> {
    serde_json::from_slice(body).ok()
}
