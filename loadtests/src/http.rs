//! A keep-alive HTTP/1.1 connection for making load.
//!
//! hyper's own connection, without a pool, redirects, TLS or timeouts: on a machine that the load shares with what
//! it measures, a costly client would be most of the measurement. Setting things up is done with reqwest.

use std::net::SocketAddr;
use std::sync::Mutex;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// One connection.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the sender; what goes wrong is told to the request.
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_string() })
    }

    /// Posts JSON and reads the whole answer.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn post(&mut self, path: &str, key: &str, body: Bytes) -> Result<(StatusCode, Bytes)> {
        let request = Request::post(path)
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// Posts JSON to something that answers 202.
    ///
    /// # Errors
    /// Another answer; its text is in the error.
    pub async fn accepted(&mut self, path: &str, key: &str, body: Bytes) -> Result<Bytes> {
        let (status, answer) = self.post(path, key, body).await?;
        ensure!(
            status == StatusCode::ACCEPTED,
            "{path} was answered with {status}: {}",
            String::from_utf8_lossy(&answer)
        );
        Ok(answer)
    }
}

/// Connections that are lent out: as many as are in use at the same time.
pub struct Connections {
    address: SocketAddr,
    idle: Mutex<Vec<Connection>>,
}

impl Connections {
    /// None yet.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, idle: Mutex::default() }
    }

    /// An idle one, or a new one.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn take(&self) -> Result<Connection> {
        let idle = self.idle.lock().expect("no holder of this lock can panic").pop();
        match idle {
            Some(connection) => Ok(connection),
            None => Connection::open(self.address).await,
        }
    }

    /// Gives one back that is in order.
    pub fn give_back(&self, connection: Connection) {
        self.idle.lock().expect("no holder of this lock can panic").push(connection);
    }
}
