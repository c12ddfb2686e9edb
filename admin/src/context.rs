//! What a command works with: the client with its key, and how to show what comes back.

use std::time::Duration;

use reqwest::{Url, header, redirect::Policy};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    answer::{Answer, answered},
    client::{Client, Error, Kept, ResponseValue, types::Problem},
    failure::Failure,
    options::Options,
    screen::Style,
};

/// How the program names itself.
const USER_AGENT: &str = concat!("patchbay-admin/", env!("CARGO_PKG_VERSION"));

/// What the system key begins with.
const OPERATOR: &str = "pb_sys_";

/// To an address that nobody listens at.
const CONNECT: Duration = Duration::from_secs(5);

/// To the end of an answer. The API itself gives up sooner.
const ANSWER: Duration = Duration::from_secs(60);

/// What every command is given.
#[derive(Debug)]
pub struct Context {
    /// The API.
    pub client: Client,
    /// The tenant that is meant, for the system key.
    pub tenant: Option<String>,
    /// Whether the key is the operator's.
    operator: bool,
    /// Whether JSON is wanted.
    pub json: bool,
    /// Whether the person said yes beforehand.
    pub yes: bool,
    /// How tables are drawn.
    pub style: Style,
}

impl Context {
    /// From the arguments; nothing is called yet.
    ///
    /// # Errors
    /// No key, or an address or key that cannot be one.
    pub fn new(options: &Options) -> Result<Self, Failure> {
        let base = base(&options.url)?;
        let mut headers = header::HeaderMap::new();
        headers.insert(header::AUTHORIZATION, bearer(options.key()?)?);
        let http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .default_headers(headers)
            .build()
            .map_err(|error| Failure::Strange(format!("cannot make an HTTP client: {error}")))?;
        let operator = options.key()?.expose_secret().trim().starts_with(OPERATOR);
        let client = Client::new_with_client(&base, http, Kept::default());
        let style = Style::of_terminal(options.json);
        Ok(Self { client, tenant: options.tenant.clone(), operator, json: options.json, yes: options.yes, style })
    }

    /// Whether lists hold what is everybody's.
    pub fn sees_all(&self) -> bool {
        self.operator && self.tenant.is_none()
    }

    /// Turns what the generated client returns into an answer.
    ///
    /// # Errors
    /// Refused by the API, not reached, or not understood.
    pub fn answered<T>(&self, result: Result<ResponseValue<T>, Error<Problem>>) -> Result<Answer<T>, Failure> {
        answered(&self.client, result)
    }
}

/// The address without a slash at its end, as the client wants it.
fn base(url: &str) -> Result<String, Failure> {
    let refused = |why: &str| Failure::Usage(format!("--url {url}: {why}"));
    let parsed = Url::parse(url).map_err(|error| refused(&error.to_string()))?;
    match parsed.scheme() {
        "http" | "https" if parsed.has_host() => Ok(url.trim_end_matches('/').to_owned()),
        _ => Err(refused("it must begin with http:// or https://")),
    }
}

fn bearer(key: &SecretString) -> Result<header::HeaderValue, Failure> {
    let value = format!("Bearer {}", key.expose_secret().trim());
    let mut value = header::HeaderValue::from_str(&value)
        .map_err(|_| Failure::Usage("the key has a character that no key has".to_owned()))?;
    // Without this, a Debug of the client would show it.
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_and_has_no_slash_at_its_end() {
        assert_eq!(base("https://api.example.com/").unwrap(), "https://api.example.com");
        for wrong in ["api.example.com", "ftp://x", "", "localhost:8080"] {
            assert!(base(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_that_can_be_printed_shows_the_key() {
        let _already_there = rustls::crypto::ring::default_provider().install_default();
        let options = Options {
            url: "http://127.0.0.1:1".to_owned(),
            key: Some("pb_sys_hush".into()),
            tenant: None,
            json: false,
            watch: None,
            yes: false,
        };
        let context = Context::new(&options).unwrap();
        let shown = format!("{options:?} {context:?}");
        assert!(!shown.contains("hush"), "{shown}");
    }
}
