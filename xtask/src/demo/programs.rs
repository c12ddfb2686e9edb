//! Builds, migrates and starts the programs that the demo drives.
//!
//! They are the real ones, each its own process: an API, two workers, a scheduler, and the
//! simulator in the provider's place. They stay after the demo; the next one replaces them, so
//! that what runs is always what was last built.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::api;
use crate::cargo::{PROGRAMS, binaries, cargo};
use crate::environment::Environment;
use crate::processes::Group;
use crate::random::Secrets;
use crate::services::Services;
use crate::{process, processes, ui};

/// The state file of the demo's processes, under `.dev/`.
pub const FILE: &str = "processes.json";

/// The running programs.
pub struct Programs {
    /// Where the story finds them.
    pub addresses: Addresses,
    /// The processes.
    pub group: Group,
}

/// Where the programs listen that the story talks to.
#[derive(Clone)]
pub struct Addresses {
    /// Base URL of the API.
    pub api: String,
    /// Base URL of the simulator.
    pub simulator: String,
}

impl Programs {
    /// Builds and starts them.
    pub async fn start(services: &Services, secrets: &Secrets) -> Result<Self> {
        ui::note("building the programs (a few minutes the first time)");
        let mut build = cargo();
        build.args(["build", "--locked", "--bins"]);
        for (package, _) in PROGRAMS {
            build.args(["-p", package]);
        }
        build.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::inherit());
        let built = build.status().await.context("cannot run cargo")?;
        anyhow::ensure!(built.success(), "the build failed");
        let bin = binaries("debug").await?;

        processes::stop(FILE).await?;
        let (api, simulator) = (process::port_near(8080)?, process::port_near(9090)?);
        let mut env = Environment::new(services, secrets, api);
        env.set("PATCHBAY__PROVIDERS__TWILIO__BASE_URL", &format!("http://127.0.0.1:{simulator}"));
        // Late and lost receipts are asked for soon, so that a demo can show it.
        env.set("PATCHBAY__SCHEDULER__RECONCILE_EVERY", "10s");
        env.set("PATCHBAY__WORKER__RECONCILE_AFTER", "8s");
        ui::note("migrating the database");
        env.migrate(&bin).await.context("the migration failed")?;

        ui::note("starting the programs");
        let mut group = Group::new(FILE, bin, env.vars())?;
        let listen = format!("127.0.0.1:{simulator}");
        group.start("simulator", "patchbay-simulator", &["--listen", &listen], simulator, &[])?;
        group.start("api", "patchbay-api", &["serve"], api, &[])?;
        for name in ["worker-1", "worker-2"] {
            let port = process::free_port()?;
            let own = [("PATCHBAY__WORKER__LISTEN", format!("127.0.0.1:{port}"))];
            group.start(name, "patchbay-worker", &[], port, &own)?;
        }
        let port = process::free_port()?;
        let own = [("PATCHBAY__SCHEDULER__LISTEN", format!("127.0.0.1:{port}"))];
        group.start("scheduler", "patchbay-scheduler", &[], port, &own)?;
        group.ready(&api::http()?, Duration::from_secs(60)).await?;
        let addresses =
            Addresses { api: format!("http://127.0.0.1:{api}"), simulator: format!("http://127.0.0.1:{simulator}") };
        Ok(Self { addresses, group })
    }
}
