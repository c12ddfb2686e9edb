//! A database of its own for every test, in less time than a test takes.
//!
//! The SQL is run once into a template database, named by its fingerprint, and each test gets a clone
//! (`CREATE DATABASE … TEMPLATE`), dropped when the [`TestDb`] is. Test runners that start a process per test share
//! the template through an advisory lock. A test that is killed leaves its database behind; the next test
//! drops it: every test's keeper holds a lock on its database's name, and a name that can be locked has no owner.
//! Rejected: a transaction per test that is rolled back (the queue needs commits, and several connections),
//! truncating between tests (serial), process ids in names (a server may serve several containers).
//! In Redis each test has its own namespace, named like its database and emptied with it.
//! Needs `REDIS_URL` and `DATABASE_URL`, the same in all processes: advisory locks are per database.

mod keeper;
mod sweep;
mod template;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use patchbay_queue::lanes::Window;
use patchbay_queue::{Dispatcher, Lanes};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use secrecy::{ExposeSecret, SecretString};

use crate::db::Db;
use crate::ids::{Ids, TenantId};
use crate::pool::{DbConfig, Pools};
use keeper::Keeper;

/// A migrated, empty database that lives as long as this value.
pub struct TestDb {
    db: Db,
    config: DbConfig,
    keeper: Keeper,
}

impl TestDb {
    /// Clones the template, making it first where this SQL has none yet.
    ///
    /// # Panics
    /// Without a usable `DATABASE_URL` and `REDIS_URL`: a test that needs them cannot pass without.
    pub async fn new() -> Self {
        let admin = std::env::var("DATABASE_URL").expect("tests need DATABASE_URL: run them with `cargo xtask test`");
        let redis = std::env::var("REDIS_URL").expect("tests need REDIS_URL: run them with `cargo xtask test`");
        let keeper = Keeper::start(SecretString::from(admin), redis.clone()).await;
        let mut config = DbConfig::new(keeper.url().clone());
        config.app_connections = 4;
        config.system_connections = 4;
        config.application_name = "patchbay-test".to_owned();
        let lanes = Lanes::connect(&redis, keeper.name()).expect("REDIS_URL is a Redis URL");
        let pools = Pools::new(&config).expect("the URL that was just connected to is readable");
        let db = Db::new(pools, Ids::new(seed()), Dispatcher::start(lanes, Window::default()));
        Self { db, config, keeper }
    }

    /// The way into it.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Its URL, for programs that a test starts.
    pub fn url(&self) -> &str {
        self.keeper.url().expose_secret()
    }

    /// What the names of its keys in Redis begin with; other tests have others.
    pub fn namespace(&self) -> &str {
        self.keeper.name()
    }

    /// How it was connected to, for a test that wants pools of its own.
    pub fn config(&self) -> &DbConfig {
        &self.config
    }

    /// Another way into it, with other settings: smaller pools, other logins.
    ///
    /// # Panics
    /// When a URL in it cannot be read.
    pub fn another(&self, config: &DbConfig) -> Db {
        let pools = Pools::new(config).expect("the test's own settings are readable");
        Db::new(pools, self.db.ids().clone(), self.db.dispatcher().clone())
    }

    /// Adds a tenant with the defaults of the table.
    ///
    /// # Panics
    /// When it cannot be written.
    pub async fn tenant(&self) -> TenantId {
        let tenant: TenantId = self.db.new_id(now());
        let mut tx = self.db.system("a tenant for a test").await.expect("the test database answers");
        diesel::sql_query("INSERT INTO tenants (id, name) VALUES ($1, $2)")
            .bind::<SqlUuid, _>(tenant)
            .bind::<Text, _>(tenant.to_string())
            .execute(&mut *tx)
            .await
            .expect("a new tenant can be written");
        tx.commit().await.expect("a new tenant can be committed");
        tenant
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        self.db.pools().close();
        self.keeper.end();
    }
}

/// The real time, for ids.
#[expect(clippy::disallowed_methods, reason = "ids of test rows are of now; a test that cares passes its own time")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    StdRng::from_os_rng().fill_bytes(&mut seed);
    seed
}
