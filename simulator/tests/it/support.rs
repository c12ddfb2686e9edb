//! A client that speaks to the simulator as a sender would, and a receiver that keeps what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use patchbay_simulator::{Config, RunningSimulator, Simulator};
use poem::http::StatusCode;
use poem::listener::TcpAcceptor;
use poem::web::Data;
use poem::{Body, EndpointExt, Request, Route, Server, handler, post};
use reqwest::{Client, Response};
use serde_json::Value;
use sha1::{Digest, Sha1};
use tokio::net::TcpListener;
use url::form_urlencoded;

pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub(crate) const TOKEN: &str = "a-token";
pub(crate) const FROM: &str = "+15005550006";
pub(crate) const PHONE: &str = "+14155550123";

/// A simulator and a client of it.
pub(crate) struct World {
    pub sim: RunningSimulator,
    pub http: Client,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let sim = Simulator::start(config).await.unwrap();
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { sim, http }
    }

    pub(crate) fn messages(&self) -> String {
        format!("{}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", self.sim.base_url)
    }

    /// Sends a form, as the account.
    pub(crate) async fn try_send(&self, form: &[(&str, &str)]) -> reqwest::Result<Response> {
        self.http.post(self.messages()).basic_auth(ACCOUNT, Some(TOKEN)).form(form).send().await
    }

    /// The status and JSON of a send.
    pub(crate) async fn send(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let answer = self.try_send(form).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// A plain text to `to`.
    pub(crate) async fn text(&self, to: &str, body: &str) -> (u16, Value) {
        self.send(&[("To", to), ("From", FROM), ("Body", body)]).await
    }

    /// A text with receipts.
    pub(crate) async fn text_told(&self, to: &str, body: &str, receiver: &Receiver) -> (u16, Value) {
        self.send(&[("To", to), ("From", FROM), ("Body", body), ("StatusCallback", &receiver.url)]).await
    }

    /// A look-up, by path and query below the account.
    pub(crate) async fn get(&self, below: &str) -> (u16, Value) {
        let url = format!("{}/2010-04-01/Accounts/{ACCOUNT}{below}", self.sim.base_url);
        self.get_uri(&url).await
    }

    pub(crate) async fn get_uri(&self, url: &str) -> (u16, Value) {
        let answer = self.http.get(url).basic_auth(ACCOUNT, Some(TOKEN)).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// A control call with a JSON body; the answer's JSON, or null when it is empty.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = method.parse::<reqwest::Method>().unwrap();
        let mut request = self.http.request(method, format!("{}/_sim{path}", self.sim.base_url));
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// The state of a message.
    pub(crate) async fn status(&self, sid: &Value) -> String {
        let (status, message) = self.get(&format!("/Messages/{}.json", sid.as_str().unwrap())).await;
        assert_eq!(status, 200);
        message["status"].as_str().unwrap().to_owned()
    }
}

/// One callback as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub signature: String,
    pub idempotency: String,
    pub raw: String,
    pub form: BTreeMap<String, String>,
}

/// A web server that keeps what it is told.
pub(crate) struct Receiver {
    pub url: String,
    told: Arc<Mutex<Vec<Told>>>,
}

#[derive(Clone)]
struct Inbox(Arc<Mutex<Vec<Told>>>, StatusCode);

impl Receiver {
    /// One that answers 200, at a URL with a query (which signatures must cover).
    pub(crate) async fn new() -> Self {
        Self::answering(StatusCode::OK, "127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn answering(status: StatusCode, at: SocketAddr) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let url = format!("http://{}/hook?tenant=7&x=a%20b", listener.local_addr().unwrap());
        let told = Arc::<Mutex<Vec<Told>>>::default();
        let app = Route::new().at("/hook", post(hook)).data(Inbox(Arc::clone(&told), status));
        let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
        tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
        Self { url, told }
    }

    pub(crate) fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// The statuses told, in order of arrival.
    pub(crate) fn statuses(&self) -> Vec<String> {
        self.told().iter().map(|told| told.form["MessageStatus"].clone()).collect()
    }
}

#[handler]
async fn hook(request: &Request, inbox: Data<&Inbox>, body: Body) -> (StatusCode, &'static str) {
    let header = |name: &str| request.header(name).unwrap_or_default().to_owned();
    let (signature, idempotency) = (header("X-Twilio-Signature"), header("I-Twilio-Idempotency-Token"));
    assert_eq!(header("Content-Type"), "application/x-www-form-urlencoded; charset=UTF-8");
    let raw = body.into_string().await.unwrap();
    let form = form_urlencoded::parse(raw.as_bytes()).into_owned().collect();
    inbox.0.0.lock().unwrap().push(Told { signature, idempotency, raw, form });
    (inbox.0.1, "<Response/>")
}

/// Twilio's signature, written from its documentation without the simulator's code: HMAC by hand, values as sets.
pub(crate) fn expected_signature(token: &str, url: &str, raw_form: &str) -> String {
    let mut params = BTreeMap::<String, BTreeSet<String>>::new();
    for (name, value) in form_urlencoded::parse(raw_form.as_bytes()).into_owned() {
        params.entry(name).or_default().insert(value);
    }
    let mut text = url.to_owned();
    for (name, values) in params {
        for value in values {
            text.push_str(&name);
            text.push_str(&value);
        }
    }
    let mut key = token.as_bytes().to_vec();
    if key.len() > 64 {
        key = Sha1::digest(&key).to_vec();
    }
    key.resize(64, 0);
    let pad = |with: u8| key.iter().map(|byte| byte ^ with).collect::<Vec<_>>();
    let inner = Sha1::new().chain_update(pad(0x36)).chain_update(text).finalize();
    STANDARD.encode(Sha1::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
}
