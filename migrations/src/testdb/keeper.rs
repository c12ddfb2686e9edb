//! The thread that owns one test's database from its making to its end.
//!
//! A thread with a runtime of its own, because the end comes in `Drop`: there nothing can be awaited, and the
//! test's runtime may be gone.

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;
use tokio_postgres::{Client, Error};
use url::Url;

use super::{sweep, template};
use crate::pool::CONNECT_TIMEOUT;
use crate::server::Server;

/// What every test database's name begins with.
pub(super) const NAME: &str = "patchbay_test_";

pub(super) struct Keeper {
    name: String,
    url: SecretString,
    /// Both taken at the end.
    release: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Keeper {
    /// Makes a database beside the one of `admin`.
    pub(super) async fn start(admin: SecretString, redis: String) -> Self {
        let name = format!("{NAME}{:016x}", StdRng::from_os_rng().next_u64());
        let url = beside(&admin, &name);
        let (ready, made) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let own = name.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(keep(&own, &admin, &redis, ready, released));
        });
        made.await.expect("the keeper of the test database failed: its panic is above");
        Self { name, url, release: Some(release), thread: Some(thread) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn url(&self) -> &SecretString {
        &self.url
    }

    /// Drops the database and waits for that, so that a process does not exit in the middle of it.
    pub(super) fn end(&mut self) {
        drop(self.release.take());
        if let Some(thread) = self.thread.take() {
            // Its panic is printed already; a second one, perhaps while unwinding, would hide the test's own.
            let _ = thread.join();
        }
    }
}

async fn keep(
    name: &str,
    admin: &SecretString,
    redis: &str,
    ready: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
) {
    let client = connect(admin).await;
    let template = template::ensure(&client, admin).await;
    lock(&client, name).await.expect("an advisory lock can be taken");
    client
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
        .await
        .expect("the user of DATABASE_URL may create databases");
    let _ = ready.send(());
    let sweeping = async {
        if let Err(error) = sweep::orphans(&client, redis, name).await {
            tracing::debug!(%error, "what dead tests left could not be swept");
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = sweeping => {}
        _ = released => {}
    }
    sweep::remove(&client, redis, name).await.expect("what a test made can be dropped");
}

/// Takes the lock that says whose `name` is; it goes with the connection.
pub(super) async fn lock(client: &Client, name: &str) -> Result<(), Error> {
    client.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", &[&name]).await?;
    Ok(())
}

async fn connect(url: &SecretString) -> Client {
    let mut server = Server::parse(url, CONNECT_TIMEOUT).expect("DATABASE_URL is a PostgreSQL URL");
    server.config.application_name("patchbay-testdb");
    let (client, connection) = server.connect().await.expect("DATABASE_URL answers: is the server up?");
    tokio::spawn(connection);
    client
}

/// The URL of another database on the same server.
pub(super) fn beside(url: &SecretString, name: &str) -> SecretString {
    let mut url: Url = url.expose_secret().parse().expect("DATABASE_URL is a URL, not a list of key=value");
    url.set_path(name);
    url.to_string().into()
}
