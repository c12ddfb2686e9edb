//! The thread that owns one test's database from its making to its end.
//!
//! A thread with a runtime of its own, because the end comes in `Drop`: there nothing can be awaited, and the
//! test's runtime may be gone.

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;
use tokio_postgres::{Client, Error, NoTls};
use url::Url;

use super::template;
use crate::pool;

/// What every test database's name begins with.
const NAME: &str = "patchbay_test_";

pub(super) struct Keeper {
    url: SecretString,
    /// Both taken at the end.
    release: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Keeper {
    /// Makes a database beside the one of `admin`.
    pub(super) async fn start(admin: SecretString) -> Self {
        let (ready, made) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(keep(admin, ready, released));
        });
        let url = made.await.expect("the keeper of the test database failed: its panic is above");
        Self {
            url,
            release: Some(release),
            thread: Some(thread),
        }
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

async fn keep(admin: SecretString, ready: oneshot::Sender<SecretString>, released: oneshot::Receiver<()>) {
    let client = connect(&admin).await;
    let template = template::ensure(&client, &admin).await;
    let name = format!("{NAME}{:016x}", StdRng::from_os_rng().next_u64());
    lock(&client, &name).await.expect("an advisory lock can be taken");
    client
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
        .await
        .expect("the user of DATABASE_URL may create databases");
    let _ = ready.send(beside(&admin, &name));
    let sweeping = async {
        if let Err(error) = sweep(&client, &name).await {
            tracing::debug!(%error, "old test databases could not be swept");
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = sweeping => {}
        _ = released => {}
    }
    client.batch_execute(&drop_sql(&name)).await.expect("a test's own database can be dropped");
}

/// Drops the databases of tests whose process is gone. Not our `own`: its lock would be given to us again.
async fn sweep(client: &Client, own: &str) -> Result<(), Error> {
    let names = client
        .query("SELECT datname::text FROM pg_database WHERE starts_with(datname, $1) AND datname <> $2", &[&NAME, &own])
        .await?;
    for name in names.iter().map(|row| row.get::<_, String>(0)) {
        let orphan = client.query_one("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", &[&name]).await?;
        if orphan.get(0) {
            client.batch_execute(&drop_sql(&name)).await?;
            client.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", &[&name]).await?;
        }
    }
    Ok(())
}

fn drop_sql(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")
}

/// Takes the lock that says whose `name` is; it goes with the connection.
pub(super) async fn lock(client: &Client, name: &str) -> Result<(), Error> {
    client.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", &[&name]).await?;
    Ok(())
}

async fn connect(url: &SecretString) -> Client {
    let mut server = pool::parse(url).expect("DATABASE_URL is a PostgreSQL URL");
    server.application_name("patchbay-testdb");
    let (client, connection) = server.connect(NoTls).await.expect("DATABASE_URL answers: is the server up?");
    tokio::spawn(connection);
    client
}

/// The URL of another database on the same server.
pub(super) fn beside(url: &SecretString, name: &str) -> SecretString {
    let mut url: Url = url.expose_secret().parse().expect("DATABASE_URL is a URL, not a list of key=value");
    url.set_path(name);
    url.to_string().into()
}
