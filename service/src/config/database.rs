//! `[database]`: PostgreSQL.
//!
//! One address serves both roles: a connection takes its role when it is made. Where a platform forbids that, each
//! role has an address of its own; then the user of that address must already be the role. The roles' names are no
//! settings: the migrations make them.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{
    Process,
    reader::{Reader, Section},
};

/// Settings of PostgreSQL.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// The address, used for migrations and for the roles without their own.
    pub url: SecretString,
    /// The address for the tenants' role, if it has its own.
    pub app_url: Option<SecretString>,
    /// The address for the system role, if it has its own.
    pub system_url: Option<SecretString>,
    /// Connections of a process in the tenants' role, at the most.
    pub app_pool_max: usize,
    /// Connections of a process in the system role, at the most.
    pub system_pool_max: usize,
    /// How long a connection may take to be made, where its address does not say it.
    pub connect_timeout: Duration,
    /// How long to wait for a free connection.
    pub acquire_timeout: Duration,
    /// When the server ends a statement.
    pub statement_timeout: Duration,
}

impl DatabaseConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("database");
        let everyone = [Process::Api, Process::Migrate, Process::Worker, Process::Scheduler];
        let url = section.required("url", &everyone, "to postgres://user:password@host:5432/database");
        let app_url = section.optional("app_url");
        let system_url = section.optional("system_url");
        for (key, url) in [("url", &url), ("app_url", &app_url), ("system_url", &system_url)] {
            check_url(&mut section, key, url.as_ref());
        }
        let seconds = |from, to| Duration::from_secs(from)..=Duration::from_secs(to);
        Self {
            url: url.unwrap_or_default(),
            app_url,
            system_url,
            app_pool_max: section.within("app_pool_max", "12", 1..=1_000),
            system_pool_max: section.within("system_pool_max", "4", 1..=1_000),
            connect_timeout: section.within("connect_timeout", "5s", seconds(1, 60)),
            acquire_timeout: section.within("acquire_timeout", "5s", seconds(1, 60)),
            statement_timeout: section.within("statement_timeout", "30s", seconds(1, 3_600)),
        }
    }
}

fn check_url(section: &mut Section<'_>, key: &str, url: Option<&SecretString>) {
    let known = |url: &SecretString| {
        let url = url.expose_secret();
        url.starts_with("postgres://") || url.starts_with("postgresql://")
    };
    if url.is_some_and(|url| !known(url)) {
        section.refuse(key, "is not a PostgreSQL address", "write postgres://user:password@host:5432/database");
    }
}
