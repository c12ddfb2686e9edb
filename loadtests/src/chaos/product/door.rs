//! The API's door: what it answers to a body of so many bytes.
//!
//! Not by a client of the usual kind: who refuses a body by its announced length closes without having read it, and a client
//! that still writes may take that for a connection that broke, and never read the answer.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::StatusCode;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(30);

/// The status of the answer to a message of so many bytes.
///
/// # Errors
/// No answer.
pub async fn answer_to(api: SocketAddr, key: &str, bytes: usize) -> Result<StatusCode> {
    let (from, mut to) = TcpStream::connect(api).await.context("the API does not listen")?.into_split();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: {api}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {bytes}\r\n\r\n"
    );
    let sending = tokio::spawn(async move {
        let mut request = head.into_bytes();
        request.resize(request.len() + bytes, b' ');
        // Whoever refuses it does not take all of it. Given back, or it would be closed before the answer.
        to.write_all(&request).await.ok();
        to
    });
    let (mut from, mut line) = (BufReader::new(from), String::new());
    let read = tokio::time::timeout(PATIENCE, from.read_line(&mut line)).await;
    sending.abort();
    read.with_context(|| format!("no answer within {PATIENCE:?}"))??;
    let status = line.split(' ').nth(1).and_then(|word| StatusCode::from_bytes(word.as_bytes()).ok());
    status.with_context(|| format!("no answer of HTTP's: {line:?}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_answer_of_whoever_does_not_read_the_rest_is_heard() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            stream.write_all(b"HTTP/1.1 413 Payload Too Large\r\n\r\n").await.unwrap();
        });
        assert_eq!(answer_to(api, "key", 10_000_000).await.unwrap(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}
