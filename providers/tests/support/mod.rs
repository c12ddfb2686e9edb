//! A server that answers wrongly on purpose, and the account and messages that the tests use.
//!
//! It speaks just enough HTTP over a bare socket, because the faults that matter (reading a request and then closing,
//! or never answering) are what a real HTTP server takes care not to do.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use patchbay_providers::{
    Account, HttpSettings, LookUp, OutboundMessage, ProviderKind, Sender, SenderKind, callback_url, twilio::Twilio,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;

pub const ACCOUNT_SID: &str = "AC00000000000000000000000000000001";
pub const MESSAGE_SID: &str = "SM00000000000000000000000000000009";
pub const TOKEN: &str = "hush-hush-token";
pub const BODY: &str = "Your viewing is at five & it's €0 {really}";

/// What the server does with one request, after reading all of it.
#[derive(Clone)]
pub enum Reply {
    /// Answers with this status, these headers (each ending in CRLF) and this body.
    Answer(u16, &'static str, String),
    /// Answers with this status and body, and takes the next request on the same connection.
    KeepAlive(u16, String),
    /// Closes the connection.
    Drop,
    /// Keeps the connection open and says nothing.
    Hang,
    /// Promises a body and closes after the head.
    HeadOnly(u16),
}

pub fn reply(status: u16, body: &Value) -> Reply {
    Reply::Answer(status, "", body.to_string())
}

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub line: String,
    pub head: String,
    pub body: String,
}

impl Seen {
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }

    pub fn query(&self) -> Vec<(String, String)> {
        let target = self.line.split(' ').nth(1).unwrap();
        let query = target.split_once('?').map_or("", |(_, query)| query);
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }
}

pub struct Fake {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fake {
    /// Answers the n-th request with the n-th reply, and every later one with the last.
    pub async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (requests, replies) = (Arc::clone(&requests), replies.clone());
                tokio::spawn(async move {
                    while let Some(request) = read_request(&mut stream).await {
                        let at = {
                            let mut requests = requests.lock().unwrap();
                            requests.push(request);
                            requests.len() - 1
                        };
                        if !act(&mut stream, replies.get(at).or(replies.last()).unwrap()).await {
                            return;
                        }
                    }
                });
            }
        });
        Self { url, seen }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn twilio(&self) -> Twilio {
        twilio_at(&self.url)
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        received.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8(received.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            let line = text.lines().next().unwrap().to_owned();
            return Some(Seen { line, head: text.split_once("\r\n\r\n").unwrap().0.to_owned(), body: body.to_owned() });
        }
    }
}

/// Does what the reply says; true when the connection stays open for another request.
async fn act(stream: &mut TcpStream, reply: &Reply) -> bool {
    let text = match reply {
        Reply::Drop => return false,
        Reply::Hang => {
            // Until the other side gives up.
            let _ = stream.read(&mut [0; 1]).await;
            return false;
        }
        Reply::HeadOnly(status) => format!("HTTP/1.1 {status} Odd\r\ncontent-length: 99\r\n\r\n"),
        Reply::KeepAlive(status, body) => {
            format!("HTTP/1.1 {status} Odd\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        }
        Reply::Answer(status, headers, body) => format!(
            "HTTP/1.1 {status} Odd\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ),
    };
    stream.write_all(text.as_bytes()).await.unwrap();
    matches!(reply, Reply::KeepAlive(..))
}

/// A Twilio at an address, with timeouts that suit a test.
pub fn twilio_at(url: &str) -> Twilio {
    // Fails when another test of this process was first, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut settings = HttpSettings::new(url.parse().unwrap());
    settings.total_timeout = Duration::from_millis(500);
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(3))
        .build();
    Twilio::new(client.unwrap(), settings)
}

pub fn account_with(settings: &Value) -> Account {
    Account::new(Uuid::nil(), ProviderKind::Twilio, &[settings])
}

pub fn account() -> Account {
    account_with(&json!({"account_sid": ACCOUNT_SID, "auth_token": TOKEN}))
}

pub fn sender() -> Sender {
    Sender { kind: SenderKind::LongCode, address: "+14155550100".to_owned() }
}

pub fn message() -> OutboundMessage {
    OutboundMessage {
        message_ref: "msg_1".to_owned(),
        to: "+14155550123".to_owned(),
        from: sender(),
        body: BODY.into(),
        status_callback: Some(callback_url(&"https://crm.example/hook".parse().unwrap(), "msg_1")),
        validity: Some(Duration::from_secs(600)),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}

pub fn look_up() -> LookUp {
    LookUp {
        to: "+14155550123".to_owned(),
        from: sender(),
        body: BODY.into(),
        after: "2026-11-20T10:00:00Z".parse().unwrap(),
        before: "2026-11-20T10:05:00Z".parse().unwrap(),
        exclude: std::collections::HashSet::new(),
        traceparent: None,
    }
}

/// Twilio's JSON for a message, with some fields changed.
pub fn resource(changes: &Value) -> Value {
    let mut resource = json!({
        "sid": MESSAGE_SID,
        "account_sid": ACCOUNT_SID,
        "status": "queued",
        "num_segments": "1",
        "error_code": null,
        "error_message": null,
        "from": "+14155550100",
        "to": "+14155550123",
        "body": BODY,
        "direction": "outbound-api",
        "messaging_service_sid": null,
        "date_created": "Fri, 20 Nov 2026 10:00:01 +0000",
        "date_sent": null,
        "date_updated": "Fri, 20 Nov 2026 10:00:01 +0000",
    });
    for (name, value) in changes.as_object().unwrap() {
        resource[name] = value.clone();
    }
    resource
}
