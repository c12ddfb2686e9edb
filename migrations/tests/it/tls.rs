//! TLS to PostgreSQL by the modes of the URL, against a server whose certificate is for `localhost` and from a CA of its own.
//!
//! The server is the tests' PostgreSQL behind a door that speaks its negotiation of TLS and ends it: what a pool sees
//! is a PostgreSQL with `ssl = on`, and the tests' own need not be one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use patchbay_db::DbError;
use patchbay_db::testdb::TestDb;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls");
/// What a client sends to ask for TLS: its length, and a code that is no version (`SSLRequest` in PostgreSQL's manual).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A door in front of PostgreSQL at `behind`: its port, and how many came through it encrypted. It lives as long as the
/// test's runtime.
async fn door(behind: String, tls: bool) -> (u16, Arc<AtomicUsize>) {
    let tls = tls.then(acceptor);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let encrypted = Arc::new(AtomicUsize::new(0));
    let count = encrypted.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, behind.clone(), tls.clone(), count.clone()));
        }
    });
    (port, encrypted)
}

/// One connection. Whichever side gives up, the other sees the end of it.
async fn serve(
    mut client: TcpStream,
    behind: String,
    tls: Option<TlsAcceptor>,
    encrypted: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(behind).await?;
    let mut first = [0; 8];
    client.read_exact(&mut first).await?;
    match (first == SSL_REQUEST, tls) {
        (true, Some(acceptor)) => {
            client.write_all(b"S").await?;
            let mut client = acceptor.accept(client).await?;
            encrypted.fetch_add(1, Ordering::Relaxed);
            copy_bidirectional(&mut client, &mut server).await?;
        }
        (true, None) => {
            client.write_all(b"N").await?;
            copy_bidirectional(&mut client, &mut server).await?;
        }
        (false, _) => {
            server.write_all(&first).await?;
            copy_bidirectional(&mut client, &mut server).await?;
        }
    }
    Ok(())
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(format!("{FILES}/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(format!("{FILES}/server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Connects to a database by way of a door at `host`, with `query` in the URL. Answers whether that was encrypted.
async fn connects(tls: bool, host: &str, query: &str) -> Result<bool, String> {
    let test = TestDb::new().await;
    let mut url: url::Url = test.url().parse().unwrap();
    let behind = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let (port, encrypted) = door(behind, tls).await;
    url.set_host(Some(host)).unwrap();
    url.set_port(Some(port)).unwrap();
    url.set_query(Some(query));
    let mut config = test.config().clone();
    config.url = url.to_string().into();
    let db = test.another(&config);
    match db.system("a test").await {
        Ok(tx) => tx.commit().await.map_err(|error| error.to_string())?,
        Err(DbError::Unavailable(why)) => return Err(why.to_string()),
        Err(error) => panic!("{error:?}"),
    }
    Ok(encrypted.load(Ordering::Relaxed) > 0)
}

fn own_roots(mode: &str) -> String {
    format!("sslmode={mode}&sslrootcert={FILES}/ca.pem")
}

#[tokio::test]
async fn require_checks_the_certificate_and_its_name() {
    for mode in ["require", "verify-full"] {
        assert_eq!(connects(true, "localhost", &own_roots(mode)).await, Ok(true));
        let refused = connects(true, "127.0.0.1", &own_roots(mode)).await.unwrap_err();
        assert!(refused.contains("TLS"), "{refused}");
    }
}

#[tokio::test]
async fn require_believes_no_ca_that_the_machine_does_not_know() {
    let refused = connects(true, "localhost", "sslmode=require").await.unwrap_err();
    assert!(refused.contains("TLS"), "{refused}");
}

#[tokio::test]
async fn require_takes_no_connection_in_the_clear() {
    let refused = connects(false, "localhost", &own_roots("require")).await.unwrap_err();
    assert!(refused.contains("TLS"), "{refused}");
}

#[tokio::test]
async fn prefer_takes_what_the_server_offers() {
    for query in ["sslmode=prefer", "application_name=no-mode-given"] {
        assert_eq!(connects(true, "127.0.0.1", query).await, Ok(true));
        assert_eq!(connects(false, "127.0.0.1", query).await, Ok(false));
    }
}

#[tokio::test]
async fn disable_does_not_ask_for_tls() {
    assert_eq!(connects(true, "127.0.0.1", "sslmode=disable").await, Ok(false));
}
