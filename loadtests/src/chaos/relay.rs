//! A network of ours between the programs and a server: it can be cut, fall silent, or become slow.
//!
//! Bytes keep their order and are never dropped while a connection stands, as TCP promises: after a silence what was on its
//! way still arrives, late, which is the nastier case for whoever has given up waiting. Slowness delays every piece by
//! the latency without holding up those behind it, and spaces them out by the bandwidth.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// What becomes of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// They go through.
    Up,
    /// Connections are ended, and none is taken.
    Cut,
    /// Connections stand, and nothing comes through.
    Silent,
    /// They go through late, and not many a second.
    Slow {
        /// In each direction.
        latency: Duration,
        /// Of each connection, in each direction.
        bytes_per_second: u32,
    },
}

/// A way to one server; ends when dropped.
pub struct Relay {
    address: SocketAddr,
    line: watch::Sender<Line>,
    accepting: JoinHandle<()>,
}

impl Relay {
    /// A way to `server`, which is `host:port`.
    ///
    /// # Errors
    /// No free port.
    pub async fn to(server: String) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (line, state) = watch::channel(Line::Up);
        let accepting = tokio::spawn(accept(listener, server, state));
        Ok(Self { address, line, accepting })
    }

    /// Where clients go.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on.
    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, server: String, line: watch::Receiver<Line>) {
    while let Ok((client, _)) = listener.accept().await {
        if *line.borrow() != Line::Cut {
            tokio::spawn(carry(client, server.clone(), line.clone()));
        }
    }
}

async fn carry(client: TcpStream, server: String, line: watch::Receiver<Line>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut cut = line.clone();
    tokio::select! {
        () = pump(from_client, to_server, line.clone()) => {}
        () = pump(from_server, to_client, line) => {}
        // Its error is a relay that is gone.
        _ = cut.wait_for(|line| *line == Line::Cut) => {}
    }
}

/// Pieces on their way in one direction of one connection: more than this, and the sender is held up.
const ON_THE_WAY: usize = 64;
const PIECE: usize = 16 * 1024;

async fn pump(from: OwnedReadHalf, to: OwnedWriteHalf, line: watch::Receiver<Line>) {
    let (pieces_in, pieces) = mpsc::channel(ON_THE_WAY);
    tokio::join!(take(from, pieces_in), give(pieces, to, line));
}

async fn take(mut from: OwnedReadHalf, pieces: mpsc::Sender<(Instant, Vec<u8>)>) {
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        match from.read_buf(&mut piece).await {
            Ok(1..) if pieces.send((Instant::now(), piece)).await.is_ok() => {}
            _ => return,
        }
    }
}

async fn give(mut pieces: mpsc::Receiver<(Instant, Vec<u8>)>, mut to: OwnedWriteHalf, mut line: watch::Receiver<Line>) {
    while let Some((taken, piece)) = pieces.recv().await {
        let Ok(now) = line.wait_for(|line| *line != Line::Silent).await.map(|line| *line) else { return };
        if let Line::Slow { latency, bytes_per_second } = now {
            tokio::time::sleep_until((taken + latency).into()).await;
            let size = u32::try_from(piece.len()).unwrap_or(u32::MAX);
            tokio::time::sleep(Duration::from_secs(1) * size / bytes_per_second.max(1)).await;
        }
        if to.write_all(&piece).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> (Relay, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Relay::to(listener.local_addr().unwrap().to_string()).await.unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await.ok();
                });
            }
        });
        let client = TcpStream::connect(relay.address()).await.unwrap();
        (relay, client)
    }

    async fn round(client: &mut TcpStream) -> std::io::Result<Duration> {
        let start = Instant::now();
        client.write_all(b"ping").await?;
        let mut back = [0; 4];
        client.read_exact(&mut back).await?;
        assert_eq!(&back, b"ping");
        Ok(start.elapsed())
    }

    #[tokio::test]
    async fn what_was_said_into_a_silence_arrives_after_it() {
        let (relay, mut client) = echo().await;
        round(&mut client).await.unwrap();
        relay.set(Line::Silent);
        let silent = tokio::time::timeout(Duration::from_millis(200), round(&mut client)).await;
        assert!(silent.is_err(), "nothing comes through");
        relay.set(Line::Up);
        let mut late = [0; 4];
        client.read_exact(&mut late).await.unwrap();
        assert_eq!(&late, b"ping");
    }

    #[tokio::test]
    async fn slowness_delays_both_ways() {
        let (relay, mut client) = echo().await;
        relay.set(Line::Slow { latency: Duration::from_millis(50), bytes_per_second: 1_000_000 });
        assert!(round(&mut client).await.unwrap() >= Duration::from_millis(100));
    }

    #[tokio::test]
    async fn a_cut_ends_connections_and_takes_none() {
        let (relay, mut client) = echo().await;
        round(&mut client).await.unwrap();
        relay.set(Line::Cut);
        assert!(round(&mut client).await.is_err());
        let mut another = TcpStream::connect(relay.address()).await.unwrap();
        assert!(round(&mut another).await.is_err());
    }
}
