//! A running API for one check, with a database of its own that is gone afterwards.
//!
//! The fuzzer writes what it likes: it must not meet the demo's tenants, and its jobs must not
//! wait in the demo's lanes, so the keys in Redis have a prefix of their own too. No worker
//! runs, because what is checked is the answers.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::api::{self, Api};
use crate::environment::Environment;
use crate::processes::Group;
use crate::random::{self, Secrets};
use crate::services::{self, Services};
use crate::{cargo, process};

const FILE: &str = "fuzz-processes.json";

/// The API under test.
pub struct Server {
    /// Base URL.
    pub url: String,
    /// A client with a new tenant's key.
    pub tenant: Api,
    group: Group,
    admin: String,
    database: String,
}

impl Server {
    /// Starts it. The binaries must be built.
    pub async fn start(services: &Services) -> Result<Self> {
        crate::processes::stop(FILE).await?;
        let database = format!("patchbay_fuzz_{}", random::hex(4)?);
        let admin = services.postgres.url.clone();
        services::execute(&admin, &format!("CREATE DATABASE {database}")).await?;
        let mut own = services.clone();
        own.postgres.url = with_database(&admin, &database)?;
        let (bin, port) = (cargo::binaries("debug").await?, process::free_port()?);
        let secrets = Secrets::load()?;
        let mut env = Environment::new(&own, &secrets, port);
        env.set("PATCHBAY__REDIS__NAMESPACE", &database);
        // A fuzzer that is told to slow down learns nothing.
        for limit in ["KEY_PER_SECOND", "KEY_BURST", "TENANT_PER_SECOND", "TENANT_BURST"] {
            env.set(&format!("PATCHBAY__LIMITS__{limit}"), "1000000");
        }
        env.migrate(&bin).await?;
        let mut group = Group::new(FILE, bin, env.vars())?;
        group.start("fuzz-api", "patchbay-api", &["serve"], port, &[])?;
        let http = api::http()?;
        let url = format!("http://127.0.0.1:{port}");
        group.ready(&http, Duration::from_secs(30)).await?;
        let (_, tenant) = Api::new(http, &url, &secrets.system_key).sign_up("Fuzz").await?;
        Ok(Self { url, tenant, group, admin, database })
    }

    /// Stops it and drops its database.
    pub async fn stop(mut self) -> Result<()> {
        self.group.stop().await?;
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database);
        services::execute(&self.admin, &drop).await
    }
}

fn with_database(url: &str, database: &str) -> Result<String> {
    let mut url = url::Url::parse(url).context("DATABASE_URL is no URL")?;
    url.set_path(database);
    Ok(url.into())
}
