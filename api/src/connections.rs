//! HTTP connections: what a peer that says nothing, or takes nothing, may hold of this process, and for how long.
//!
//! poem's own server sets no timer, so whoever opens connections and sends half a request keeps them for good, and a
//! listener out of file descriptors makes it spin. Here a request's head has its time, which is also the time that an
//! idle connection is kept: longer than the minute of usual load balancers, so that it is they who close first. A peer
//! that acknowledges nothing, gone without a word or not reading, is given up by the kernel (Linux; elsewhere by TCP
//! itself, in some minutes): the place of its event stream is free again then. HTTP/1.1 only: what speaks HTTP/2 to the
//! world is a proxy in front.

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http_body_util::combinators::BoxBody;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use poem::{
    Addr, Endpoint, Request, RequestParts, Response,
    http::{self, HeaderValue, header, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::leftover::Leftover;

/// How long peers are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the head of a request, from the answer before it or from the connection's beginning.
    pub head: Duration,
    /// For a peer to acknowledge what it was sent.
    pub unheard: Duration,
    /// For answers under way once draining has begun.
    pub last: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(75), unheard: Duration::from_secs(30), last: Duration::from_secs(20) }
    }
}

/// How long nothing is accepted after accepting failed: for want of file descriptors, as a rule.
const BREATH: Duration = Duration::from_millis(100);

/// Serves `endpoint` on `listener` until `draining` is cancelled and the answers under way are given.
///
/// # Errors
/// The listener has no address.
pub async fn serve<E>(
    listener: TcpListener,
    endpoint: E,
    draining: CancellationToken,
    patience: Patience,
) -> io::Result<()>
where
    E: Endpoint<Output = Response> + 'static,
{
    let (local, endpoint) = (listener.local_addr()?, Arc::new(endpoint));
    let (open, cut) = (TaskTracker::new(), CancellationToken::new());
    loop {
        let accepted = tokio::select! {
            () = draining.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection =
                    Connection { endpoint: Arc::clone(&endpoint), local, peer, draining: draining.clone(), patience };
                open.spawn(cut.clone().run_until_cancelled_owned(connection.serve(stream)));
            }
            Err(error) => {
                tracing::warn!(%error, open = open.len(), "a connection could not be accepted");
                sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    open.close();
    if timeout(patience.last, open.wait()).await.is_err() {
        tracing::warn!(open = open.len(), "connections were cut while draining");
        cut.cancel();
        open.wait().await;
    }
    Ok(())
}

struct Connection<E> {
    endpoint: Arc<E>,
    local: SocketAddr,
    peer: SocketAddr,
    draining: CancellationToken,
    patience: Patience,
}

impl<E: Endpoint<Output = Response> + 'static> Connection<E> {
    async fn serve(self, stream: TcpStream) {
        if let Err(error) = prepare(&stream, self.patience) {
            tracing::debug!(%error, "a connection was gone before it was served");
            return;
        }
        let Self { endpoint, local, peer, draining, patience } = self;
        let service = service_fn(move |request: http::Request<Incoming>| {
            let endpoint = Arc::clone(&endpoint);
            let addresses = (LocalAddr(Addr::SocketAddr(local)), RemoteAddr(Addr::SocketAddr(peer)));
            async move { Ok::<http::Response<_>, Infallible>(answer(&*endpoint, request, addresses).await.into()) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(patience.head);
        let mut served = pin!(http.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = &mut served => ended,
            () = draining.cancelled() => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

async fn answer<E: Endpoint<Output = Response>>(
    endpoint: &E,
    request: http::Request<Incoming>,
    (local, remote): (LocalAddr, RemoteAddr),
) -> Response {
    let (head, body) = request.into_parts();
    let (asked, body) = (head.headers.contains_key(header::EXPECT), Leftover::new(body));
    let head = RequestParts::from((head, local, remote, Scheme::HTTP));
    let request = Request::from_parts(head, BoxBody::new(body.clone()).into());
    let mut response = endpoint.get_response(request).await;
    if !body.drained(asked).await {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Small answers and events leave at once, and a peer that is gone is found out.
#[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "only Linux bounds it for a socket"))]
fn prepare(stream: &TcpStream, patience: Patience) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(patience.unheard))?;
    Ok(())
}
