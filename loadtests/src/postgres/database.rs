//! A database of its own for each run, dropped at its end.
//!
//! A bench must not find yesterday's bloat, and must not leave a million rows behind. The server is shared with whoever
//! else uses `DATABASE_URL`. Names carry a prefix and the process id, so that what a killed run left is swept by
//! the next one: whoever's process is gone has no use for it any more.

use anyhow::{Context, Result};
use tokio_postgres::{Client, NoTls};

use crate::folders;

const PREFIX: &str = "patchbay_bench_";

/// A database that exists until [`Database::drop_now`].
pub struct Database {
    name: String,
    url: String,
    admin: Client,
}

impl Database {
    /// An empty one, beside the one that `DATABASE_URL` names.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn create() -> Result<Self> {
        Self::create_beside(&folders::required("DATABASE_URL")?).await
    }

    /// An empty one on another server, beside the one that `admin_url` names.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn create_beside(admin_url: &str) -> Result<Self> {
        let admin = connect(admin_url).await?;
        sweep(&admin).await?;
        let name = format!("{PREFIX}{}", std::process::id());
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await?;
        let url = beside(admin_url, &name)?;
        Ok(Self { name, url, admin })
    }

    /// Its URL, as the user of `DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection as the owner, whom row-level security binds unless it is a superuser.
    ///
    /// # Errors
    /// The server's.
    pub async fn connect(&self) -> Result<Client> {
        connect(&self.url).await
    }

    /// A connection that sees the rows of all tenants, once the database is migrated.
    ///
    /// # Errors
    /// The server's.
    pub async fn observe(&self) -> Result<Client> {
        let client = self.connect().await?;
        client.batch_execute("SET ROLE patchbay_system").await?;
        Ok(client)
    }

    /// Flushes what was written before to the disk, so that it is not flushed during a measurement. Only a superuser (or
    /// a member of `pg_checkpoint`) may; nobody else's figures depend on it much.
    pub async fn checkpoint(&self) {
        if let Err(error) = self.admin.batch_execute("CHECKPOINT").await {
            tracing::debug!(%error, "no checkpoint");
        }
    }

    /// Lets no session from now on compile statements just in time.
    ///
    /// # Errors
    /// The server's.
    pub async fn without_jit(&self) -> Result<()> {
        Ok(self.admin.batch_execute(&format!("ALTER DATABASE {} SET jit = off", self.name)).await?)
    }

    /// Takes statistics of every table, which a server does by itself only after a minute: plans made in a table's first
    /// seconds are nobody's everyday.
    ///
    /// # Errors
    /// The server's.
    pub async fn analyze(&self) -> Result<()> {
        Ok(self.connect().await?.batch_execute("ANALYZE").await?)
    }

    /// Drops it, with whoever is still connected.
    ///
    /// # Errors
    /// The server's.
    pub async fn drop_now(&self) -> Result<()> {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        self.admin.batch_execute(&sql).await.context("the bench's database could not be dropped")
    }
}

/// Drops the databases of runs that are gone.
async fn sweep(admin: &Client) -> Result<()> {
    let rows =
        admin.query("SELECT datname::text FROM pg_database WHERE starts_with(datname::text, $1)", &[&PREFIX]).await?;
    for name in rows.iter().map(|row| row.get::<_, String>(0)) {
        let owner = name.strip_prefix(PREFIX).and_then(|pid| pid.parse::<i32>().ok());
        let lives = owner.is_some_and(|pid| nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok());
        if !lives {
            admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        }
    }
    Ok(())
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("cannot connect to PostgreSQL")?;
    // Ends with the client.
    tokio::spawn(connection);
    Ok(client)
}

fn beside(url: &str, name: &str) -> Result<String> {
    let mut url = reqwest::Url::parse(url).context("DATABASE_URL is not a URL")?;
    url.set_path(name);
    Ok(url.into())
}
