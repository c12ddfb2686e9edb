//! The HTTP client: it gives up in time, says who it is, and follows nobody.

use std::time::Duration;

use patchbay_service::{config::HttpConfig, http};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const CONFIG: HttpConfig = HttpConfig {
    connect_timeout: Duration::from_secs(2),
    request_timeout: Duration::from_millis(200),
    pool_idle_timeout: Duration::from_secs(1),
    pool_idle_per_host: 1,
};

#[tokio::test]
async fn a_server_that_never_answers_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let error = http::client(&CONFIG).unwrap().get(url).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).await.unwrap();
        let answer = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..read]).to_lowercase()
    });
    let answer = http::client(&CONFIG).unwrap().get(url).send().await.unwrap();
    assert_eq!(answer.status(), 307);
    let request = server.await.unwrap();
    assert!(request.contains("user-agent: patchbay/"), "{request}");
}

#[test]
fn the_tls_provider_may_be_installed_twice() {
    http::install_tls();
    http::install_tls();
    assert!(http::client(&CONFIG).is_ok());
}
