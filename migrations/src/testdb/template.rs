//! The migrated database that tests are cloned from.
//!
//! It is named by the fingerprint of both sets of SQL and by the day: the ledger's partitions are days, and a
//! template of last week would have none for today. It is made under another name and renamed when
//! complete, so that a process killed meanwhile leaves nothing that looks finished; and nobody may connect to
//! it, because a template with a session cannot be cloned.

use secrecy::SecretString;
use tokio_postgres::{Client, Error};

use super::keeper::{beside, lock};
use crate::migrate;

const NAME: &str = "patchbay_template_";
/// Templates kept for other branches and yesterday; each is some 9 MB.
const KEPT: i64 = 4;

/// The template's name; it exists when this returns.
pub(super) async fn ensure(client: &Client, admin: &SecretString) -> String {
    let today = client.query_one("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')", &[]).await;
    let today: String = today.expect("the server knows the day").get(0);
    let name = format!("{NAME}{}_{today}", env!("PATCHBAY_SQL_FINGERPRINT"));
    if !exists(client, &name).await {
        lock(client, &name).await.expect("an advisory lock can be taken");
        if !exists(client, &name).await {
            make(client, admin, &name).await;
        }
        let unlocked = client.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", &[&name]).await;
        unlocked.expect("a lock that is held can be given back");
    }
    name
}

async fn make(client: &Client, admin: &SecretString, name: &str) {
    let draft = format!("{name}_draft");
    run(client, &format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await;
    run(client, &format!("CREATE DATABASE {draft} TEMPLATE template0")).await;
    migrate::up(&beside(admin, &draft)).await.expect("the migrations apply to an empty database");
    run(client, &format!("ALTER DATABASE {draft} ALLOW_CONNECTIONS false")).await;
    // The migrator's session may take a moment to end; the server itself waits 5 s for it.
    run(client, &format!("ALTER DATABASE {draft} RENAME TO {name}")).await;
    if let Err(error) = sweep(client).await {
        tracing::debug!(%error, "old template databases could not be swept");
    }
}

/// Drops all but the latest few; one that is being cloned refuses, and stays until the next time.
async fn sweep(client: &Client) -> Result<(), Error> {
    let old = client
        .query(
            "SELECT datname::text FROM pg_database WHERE starts_with(datname, $1) ORDER BY oid DESC OFFSET $2",
            &[&NAME, &KEPT],
        )
        .await?;
    for name in old.iter().map(|row| row.get::<_, String>(0)) {
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).await?;
    }
    Ok(())
}

async fn exists(client: &Client, name: &str) -> bool {
    let found = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await;
    found.expect("the list of databases can be read").is_some()
}

async fn run(client: &Client, sql: &str) {
    if let Err(error) = client.batch_execute(sql).await {
        panic!("making the template database: {sql}: {error:?}");
    }
}
