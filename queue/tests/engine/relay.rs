//! A way to a server that can be cut, or fall silent, while everybody else still reaches the server.
//!
//! Restarting the server itself would trouble every other test on it. To its clients a restart is what this does: all
//! connections end, new ones are refused for a while.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// They go through.
    Up,
    /// Connections are ended, and none is taken.
    Down,
    /// Connections stand, and nothing comes through: a stalled server, or a network that drops packets.
    Silent,
}

/// Where clients go to.
pub struct Relay {
    address: SocketAddr,
    line: watch::Sender<Line>,
}

impl Relay {
    /// A relay to the server of `url`, and the URL that leads through it.
    pub async fn to(url: &str) -> (Self, String) {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, server) = authority.rsplit_once('@').map_or(("", authority), |(user, server)| (user, server));
        let server = if server.contains(':') { server.to_owned() } else { panic!("{server} has no port") };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (line, state) = watch::channel(Line::Up);
        tokio::spawn(accept(listener, server, state));
        let user = if user.is_empty() { String::new() } else { format!("{user}@") };
        (Self { address, line }, format!("{scheme}://{user}{address}/{path}"))
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Relay({})", self.address)
    }
}

async fn accept(listener: TcpListener, server: String, state: watch::Receiver<Line>) {
    while let Ok((client, _)) = listener.accept().await {
        if *state.borrow() != Line::Down {
            tokio::spawn(carry(client, server.clone(), state.clone()));
        }
    }
}

async fn carry(mut client: TcpStream, server: String, mut state: watch::Receiver<Line>) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    loop {
        let line = *state.borrow_and_update();
        let carried = async {
            match line {
                Line::Up => drop(tokio::io::copy_bidirectional(&mut client, &mut server).await),
                Line::Down => {}
                Line::Silent => std::future::pending().await,
            }
        };
        tokio::select! {
            () = carried => return,
            changed = state.changed() => {
                // What was cut off in the middle is gone: such a connection is of no use to anybody.
                if changed.is_err() || line != *state.borrow() && line == Line::Silent {
                    return;
                }
            }
        }
    }
}
