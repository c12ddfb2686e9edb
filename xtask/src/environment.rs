//! The configuration that xtask gives to the programs, in the environment.
//!
//! Only what must differ from the defaults is set, so that the demo runs what an operator would
//! run. Variables of the caller's own shell (`PATCHBAY__…`, `RUST_LOG`) win over none of these.

use anyhow::Result;

use crate::random::Secrets;
use crate::services::Services;

/// Where the programs find the services, each other and their secrets.
pub struct Environment {
    vars: Vec<(String, String)>,
}

impl Environment {
    /// For programs that use `services`, with an API on `api_port`.
    pub fn new(services: &Services, secrets: &Secrets, api_port: u16) -> Self {
        let url = format!("http://127.0.0.1:{api_port}");
        let mut this = Self { vars: Vec::new() };
        this.set("DATABASE_URL", &services.postgres.url);
        this.set("REDIS_URL", &services.redis.url);
        this.set("PATCHBAY__API__LISTEN", &format!("127.0.0.1:{api_port}"));
        this.set("PATCHBAY__API__PUBLIC_URL", &url);
        this.set("PATCHBAY__API__SYSTEM_KEY", &secrets.system_key);
        this.set("PATCHBAY__SECRETS__KEY", &secrets.sealing_key);
        this
    }

    /// Sets one variable, the last call wins.
    pub fn set(&mut self, name: &str, value: &str) {
        self.vars.retain(|(known, _)| known != name);
        self.vars.push((name.to_owned(), value.to_owned()));
    }

    /// All of them.
    pub fn vars(&self) -> Vec<(String, String)> {
        self.vars.clone()
    }

    /// Brings the database to the present schema, with the API's own command.
    pub async fn migrate(&self, bin: &std::path::Path) -> Result<()> {
        let mut command = tokio::process::Command::new(bin.join("patchbay-api"));
        command.arg("migrate").envs(self.vars.iter().map(|(k, v)| (k, v)));
        crate::cargo::output(&mut command).await?;
        Ok(())
    }
}
