//! One PostgreSQL server: where it is, and how a connection to it is made.
//!
//! The address is libpq's, as managed databases hand it out: `sslmode` and `sslrootcert` mean what [`tls`] says. Every
//! connection of this crate, the migrator's too, is made here, so that none of them goes out in the clear by oversight.

mod tls;

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::form_urlencoded;

use crate::error::{DbError, DbResult};
use tls::{Roots, Trust};

/// What drives a connection: it has to be polled for its client to get answers.
pub(crate) type Driver = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// A server that can be connected to.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) config: Config,
    tls: MakeRustlsConnect,
}

impl Server {
    /// Reads a URL, and fills in what makes a lost network noticed within a minute. What the URL says itself stays.
    pub(crate) fn parse(url: &SecretString, connect_timeout: Duration) -> DbResult<Self> {
        let (url, asked) = split(url.expose_secret())?;
        // The parser's error names the faulty key, never the URL.
        let mut config = Config::from_str(&url).map_err(|error| DbError::Config(error.to_string()))?;
        if asked.verify {
            config.ssl_mode(tokio_postgres::config::SslMode::Require);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(connect_timeout);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(30));
        }
        config.keepalives_idle(Duration::from_secs(30));
        let trust = Trust::of(config.get_ssl_mode(), asked.roots);
        Ok(Self { tls: tls::connector(&trust).map_err(DbError::Config)?, config })
    }

    pub(crate) async fn connect(&self) -> Result<(Client, Driver), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }
}

/// What a URL says about TLS in words that tokio-postgres does not know.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    verify: bool,
    roots: Roots,
}

/// Takes libpq's `sslrootcert` and `sslmode=verify-full` out of a URL.
fn split(url: &str) -> DbResult<(String, Asked)> {
    let mut asked = Asked::default();
    let Some((address, query)) = url.split_once('?') else { return Ok((url.to_owned(), asked)) };
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match form_urlencoded::parse(pair.as_bytes()).next() {
            Some((key, value)) if key == "sslrootcert" => {
                asked.roots = if value == "system" { Roots::Platform } else { Roots::File(value.as_ref().into()) };
            }
            Some((key, value)) if key == "sslmode" && value == "verify-full" => asked.verify = true,
            Some((key, value)) if key == "sslmode" && matches!(value.as_ref(), "allow" | "verify-ca") => {
                return Err(DbError::Config(format!(
                    "sslmode={value} is not offered: use prefer, require or verify-full"
                )));
            }
            _ => rest.push(pair),
        }
    }
    let url = if rest.is_empty() { address.to_owned() } else { format!("{address}?{}", rest.join("&")) };
    Ok((url, asked))
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::SslMode;

    use super::*;

    fn mode(query: &str) -> DbResult<SslMode> {
        let url = format!("postgres://u:p%3F@h/d{query}").into();
        Ok(Server::parse(&url, Duration::from_secs(7))?.config.get_ssl_mode())
    }

    #[test]
    fn the_modes_of_libpq_are_known_and_those_that_are_not_offered_are_named() {
        assert_eq!(mode("").unwrap(), SslMode::Prefer);
        assert_eq!(mode("?sslmode=prefer").unwrap(), SslMode::Prefer);
        assert_eq!(mode("?sslmode=disable").unwrap(), SslMode::Disable);
        assert_eq!(mode("?application_name=x&sslmode=require").unwrap(), SslMode::Require);
        assert_eq!(mode("?sslmode=verify-full&sslrootcert=system").unwrap(), SslMode::Require);
        for refused in ["allow", "verify-ca"] {
            assert!(mode(&format!("?sslmode={refused}")).unwrap_err().to_string().contains("verify-full"));
        }
        assert!(mode("?sslmode=sometimes").is_err());
    }

    #[test]
    fn the_words_that_tokio_postgres_does_not_know_are_taken_out_and_the_rest_stays() {
        let (url, asked) = split("postgres://a,b/d?x=1&sslrootcert=%2Fetc%2Fca.pem&y=2&sslmode=verify-full").unwrap();
        assert_eq!(url, "postgres://a,b/d?x=1&y=2");
        assert_eq!(asked, Asked { verify: true, roots: Roots::File("/etc/ca.pem".into()) });
        assert_eq!(split("postgres://h/d").unwrap(), ("postgres://h/d".to_owned(), Asked::default()));
    }

    #[test]
    fn a_file_of_roots_that_is_not_there_is_an_error_that_names_it() {
        let error = mode("?sslmode=require&sslrootcert=/nonexistent.pem").unwrap_err().to_string();
        assert!(error.contains("/nonexistent.pem"), "{error}");
    }

    #[test]
    fn the_timeout_of_the_url_goes_before_that_of_the_settings() {
        let timeout = |url: &str| {
            let server = Server::parse(&url.into(), Duration::from_secs(7)).unwrap();
            server.config.get_connect_timeout().copied()
        };
        assert_eq!(timeout("postgres://h/d"), Some(Duration::from_secs(7)));
        assert_eq!(timeout("postgres://h/d?connect_timeout=3"), Some(Duration::from_secs(3)));
    }
}
