//! Connections that a handler can cut, for the faults that no HTTP answer can express.
//!
//! "Accepted, but the answer never came" has to happen below HTTP. A panic in the handler would do it too, but
//! unwinds through the server and shows up as a crash; an erroring body stream still sends the status line, which
//! tells the client what it must not know. So each accepted socket has a switch, found by the peer's address.
//! Broken by: a proxy in front that answers 502 for us, or HTTP/2, where other requests share the connection.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use dashmap::DashMap;
use futures_util::task::AtomicWaker;
use poem::http::uri::Scheme;
use poem::listener::Acceptor;
use poem::web::{LocalAddr, RemoteAddr};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

const WHOLE: u8 = 0;
const CLOSE: u8 = 1;
const RESET: u8 = 2;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Closed in order (FIN), in the middle of the exchange.
    Close,
    /// Reset (RST).
    Reset,
}

#[derive(Default)]
struct Switch {
    state: AtomicU8,
    waker: AtomicWaker,
}

/// The switches of all live connections.
#[derive(Clone, Default)]
pub(crate) struct Switches(Arc<DashMap<SocketAddr, Arc<Switch>>>);

impl Switches {
    /// Cuts the connection of this peer; the caller must then never answer.
    pub(crate) fn cut(&self, peer: &RemoteAddr, how: Cut) {
        let Some(switch) = peer.as_socket_addr().and_then(|peer| self.0.get(peer)) else {
            return;
        };
        let state = match how {
            Cut::Close => CLOSE,
            Cut::Reset => RESET,
        };
        switch.state.store(state, Ordering::Release);
        switch.waker.wake();
    }
}

/// Accepts connections and gives each a switch.
pub(crate) struct Wire {
    listener: TcpListener,
    local: SocketAddr,
    switches: Switches,
}

impl Wire {
    /// Takes over a bound listener.
    pub(crate) fn new(listener: TcpListener, switches: Switches) -> io::Result<Self> {
        Ok(Self { local: listener.local_addr()?, listener, switches })
    }
}

impl Acceptor for Wire {
    type Io = Connection;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![LocalAddr(self.local.into())]
    }

    async fn accept(&mut self) -> io::Result<(Connection, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, peer) = match self.listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles, most likely; the server would ask again at once and spin.
                tokio::time::sleep(Duration::from_millis(20)).await;
                return Err(error);
            }
        };
        stream.set_nodelay(true)?;
        let switch = Arc::<Switch>::default();
        self.switches.0.insert(peer, Arc::clone(&switch));
        let connection = Connection { stream, peer, switch, switches: self.switches.clone() };
        Ok((connection, LocalAddr(self.local.into()), RemoteAddr(peer.into()), Scheme::HTTP))
    }
}

/// A socket with a switch.
pub(crate) struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    switch: Arc<Switch>,
    switches: Switches,
}

impl Connection {
    fn check(&self, cx: &Context<'_>) -> io::Result<()> {
        self.switch.waker.register(cx.waker());
        match self.switch.state.load(Ordering::Acquire) {
            WHOLE => Ok(()),
            _ => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.switch.state.load(Ordering::Acquire) == RESET {
            // Where it cannot be set the peer sees a plain close, which is a failure of the same kind.
            let _ = self.stream.set_zero_linger();
        }
        self.switches.0.remove_if(&self.peer, |_, switch| Arc::ptr_eq(switch, &self.switch));
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.switch.state.load(Ordering::Acquire) == RESET {
            // A shutdown would send FIN first; the drop that follows sends RST.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
