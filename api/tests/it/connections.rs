//! Connections of peers that say nothing, leave, or stay too long.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use patchbay_api::connections::{Patience, serve};
use poem::{Body, Endpoint, Response, endpoint::make_sync};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";

/// As long as anything here may take.
const LONG: Duration = Duration::from_secs(20);

struct Serving {
    address: SocketAddr,
    draining: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
}

async fn serving(endpoint: impl Endpoint<Output = Response> + 'static, patience: Patience) -> Serving {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, draining) = (listener.local_addr().unwrap(), CancellationToken::new());
    let server = tokio::spawn(serve(listener, endpoint, draining.clone(), patience));
    Serving { address, draining, server }
}

fn hello() -> impl Endpoint<Output = Response> + 'static {
    make_sync(|_| Response::builder().body("hello"))
}

/// Says when it is dropped.
struct Held(mpsc::UnboundedSender<()>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.send(()).unwrap_or_default();
    }
}

/// An answer without end, and what hears when it is dropped.
fn endless() -> (impl Endpoint<Output = Response> + 'static, mpsc::UnboundedReceiver<()>) {
    let (tell, dropped) = mpsc::unbounded_channel();
    let endpoint = make_sync(move |_| {
        let held = Held(tell.clone());
        let body = stream::iter([Ok::<_, std::io::Error>("begin")]).chain(stream::pending());
        Response::builder().body(Body::from_bytes_stream(body.inspect(move |_| _ = &held)))
    });
    (endpoint, dropped)
}

/// What comes until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    timeout(LONG, stream.read_to_end(&mut text)).await.unwrap().unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_connection_is_for_many_requests() {
    let serving = serving(hello(), Patience::default()).await;
    let mut stream = TcpStream::connect(serving.address).await.unwrap();
    stream.write_all(&[REQUEST, b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"].concat()).await.unwrap();
    assert_eq!(rest(&mut stream).await.matches("hello").count(), 2);
}

#[tokio::test]
async fn whoever_does_not_end_the_head_of_a_request_is_not_waited_for() {
    let patience = Patience { head: Duration::from_millis(200), ..Patience::default() };
    let serving = serving(hello(), patience).await;
    for begun in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nHost: test\r\n"] {
        let mut stream = TcpStream::connect(serving.address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        assert!(!rest(&mut stream).await.contains("hello"), "{begun:?}");
    }
    let mut idle = TcpStream::connect(serving.address).await.unwrap();
    idle.write_all(REQUEST).await.unwrap();
    assert!(rest(&mut idle).await.ends_with("hello"), "an idle connection is closed as well");
}

#[tokio::test]
async fn an_answer_that_nobody_hears_any_more_ends_at_once() {
    let (endpoint, mut dropped) = endless();
    let serving = serving(endpoint, Patience::default()).await;
    let mut stream = TcpStream::connect(serving.address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let mut begin = [0; 16];
    assert!(stream.read(&mut begin).await.unwrap() > 0);
    drop(stream);
    let ended = timeout(LONG, dropped.recv()).await;
    assert!(ended.is_ok(), "it is held although its client has gone");
}

#[tokio::test]
async fn draining_takes_nothing_new_and_cuts_what_does_not_end() {
    let patience = Patience { last: Duration::from_millis(200), ..Patience::default() };
    let (endpoint, _dropped) = endless();
    let serving = serving(endpoint, patience).await;
    let mut stream = TcpStream::connect(serving.address).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let mut begin = [0; 16];
    assert!(stream.read(&mut begin).await.unwrap() > 0);
    serving.draining.cancel();
    timeout(LONG, serving.server).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(serving.address).await.is_err());
}

#[tokio::test]
async fn a_body_that_nobody_wanted_costs_the_client_no_connection() {
    let serving = serving(hello(), Patience::default()).await;
    let mut stream = TcpStream::connect(serving.address).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n").await.unwrap();
    // Given a head start, an answer would be here before the body.
    stream.write_all(&[b'x'; 50_000]).await.unwrap();
    tokio::task::yield_now().await;
    stream.write_all(&[b'x'; 50_000]).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").await.unwrap();
    assert_eq!(rest(&mut stream).await.matches("hello").count(), 2);
}

#[tokio::test]
async fn a_body_that_is_too_large_to_be_read_for_nothing_ends_the_connection_with_notice() {
    let serving = serving(hello(), Patience::default()).await;
    for begin in ["Content-Length: 100000000\r\n\r\nxxx", "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"] {
        let mut stream = TcpStream::connect(serving.address).await.unwrap();
        stream.write_all(format!("POST / HTTP/1.1\r\nHost: test\r\n{begin}").as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await.to_lowercase();
        assert!(answer.contains("connection: close") && answer.ends_with("hello"), "{answer}");
        assert!(!answer.contains("100 continue"), "{answer}");
    }
}
