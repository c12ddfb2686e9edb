//! The real programs, as an operator would run them: separate processes on free ports of this machine, with a database
//! and a Redis namespace of their own.
//!
//! Settings are the defaults, but for addresses, secrets and the rate limits of callers, which would
//! measure themselves. The processes end with the [`Stack`], also when a bench fails or is interrupted.

mod namespace;
mod program;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, Result};

pub use namespace::Namespace;
pub use program::Program;
use rand::rngs::StdRng;
use rand::{Rng as _, RngCore, SeedableRng};

use crate::postgres::Database;
use crate::{console, folders};

/// Which programs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// The API alone: what it accepts waits.
    Api,
    /// API, one worker, one scheduler, simulator.
    All,
}

/// Running programs.
pub struct Stack {
    /// Their database.
    pub database: Database,
    /// The system key.
    pub system_key: String,
    api: SocketAddr,
    simulator: SocketAddr,
    namespace: Namespace,
    redis_url: String,
    programs: Vec<Program>,
}

impl Stack {
    /// Migrates a new database and starts `parts`; returns when all of them are ready.
    ///
    /// # Errors
    /// When a program is missing, ends, or is not ready within a minute; with the end of its log.
    pub async fn start(parts: Parts) -> Result<Self> {
        Self::start_with(parts, &[]).await
    }

    /// The same, with settings that differ from the defaults.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(parts: Parts, settings: &[(&str, &str)]) -> Result<Self> {
        let servers = [folders::required("DATABASE_URL")?, folders::required("REDIS_URL")?];
        Self::start_on(&servers[0], &servers[1], parts, settings).await
    }

    /// The same, on a PostgreSQL and a Redis of the caller's.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_on(
        postgres_url: &str,
        redis_url: &str,
        parts: Parts,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        console::note("  starting the programs");
        let mut stack = Self {
            database: Database::create_beside(postgres_url).await?,
            system_key: format!("pb_sys_{}", hex::<32>()),
            api: free_address()?,
            simulator: free_address()?,
            namespace: Namespace::fresh(redis_url).await?,
            redis_url: redis_url.to_owned(),
            programs: Vec::new(),
        };
        let mut env = stack.environment();
        env.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        program::run_to_end("patchbay-api", &["migrate"], &env).await.context("the migration failed")?;
        if parts == Parts::All {
            let listen = stack.simulator.to_string();
            stack.launch("patchbay-simulator", &["--listen", &listen], stack.simulator, &env)?;
        }
        stack.launch("patchbay-api", &["serve"], stack.api, &env)?;
        if parts == Parts::All {
            for (program, section) in [("patchbay-worker", "WORKER"), ("patchbay-scheduler", "SCHEDULER")] {
                let address = free_address()?;
                let mut env = env.clone();
                env.push((format!("PATCHBAY__{section}__LISTEN"), address.to_string()));
                stack.launch(program, &[], address, &env)?;
            }
        }
        stack.ready().await?;
        Ok(stack)
    }

    /// Waits until all of them are ready.
    ///
    /// # Errors
    /// When one ends, or is not ready within a minute.
    pub async fn ready(&mut self) -> Result<()> {
        for program in &mut self.programs {
            program.ready(Duration::from_secs(60)).await?;
        }
        Ok(())
    }

    /// Where the API listens.
    pub fn api(&self) -> SocketAddr {
        self.api
    }

    /// The base URL of the simulator.
    pub fn simulator(&self) -> String {
        format!("http://{}", self.simulator)
    }

    /// A running program by its name.
    pub fn program(&self, name: &str) -> Option<&Program> {
        self.programs.iter().find(|program| program.name() == name)
    }

    /// One more process of a program, on an address of its own, which is not waited for. Answers its place, for
    /// [`kill_and_restart`](Self::kill_and_restart).
    ///
    /// # Errors
    /// When there is none to be like, or it cannot be started.
    pub fn another(&mut self, name: &str, section: &str) -> Result<usize> {
        let first = self.program(name).with_context(|| format!("{name} does not run"))?;
        let another = first.another(&format!("PATCHBAY__{section}__LISTEN"), free_address()?)?;
        self.programs.push(another);
        Ok(self.programs.len() - 1)
    }

    /// The place of the first process of a program.
    ///
    /// # Errors
    /// When there is none.
    pub fn place(&self, name: &str) -> Result<usize> {
        self.programs.iter().position(|program| program.name() == name).with_context(|| format!("{name} does not run"))
    }

    /// Kills the process at `place` without a word, and starts it again with `settings` beside its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn kill_and_restart(&mut self, place: usize, settings: &[(&str, &str)]) -> Result<()> {
        self.programs[place].kill_and_restart(settings).await
    }

    /// Starts again what ended by itself; answers how many did.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn revive(&mut self) -> Result<usize> {
        self.programs.iter_mut().map(|program| program.revive().map(usize::from)).sum()
    }

    /// Their part of Redis.
    pub fn namespace(&self) -> &str {
        self.namespace.name()
    }

    /// Ends the programs as a supervisor does, and removes database and namespace.
    ///
    /// # Errors
    /// When something could not be removed; the programs are ended in any case.
    pub async fn end(self) -> Result<()> {
        for program in self.programs {
            program.end().await;
        }
        self.namespace.remove().await?;
        self.database.drop_now().await
    }

    fn environment(&self) -> Vec<(String, String)> {
        let set = |name: &str, value: String| (name.to_owned(), value);
        let mut env = vec![
            set("DATABASE_URL", self.database.url().to_owned()),
            set("REDIS_URL", self.redis_url.clone()),
            set("PATCHBAY__REDIS__NAMESPACE", self.namespace.name().to_owned()),
            set("PATCHBAY__API__LISTEN", self.api.to_string()),
            set("PATCHBAY__API__PUBLIC_URL", format!("http://{}", self.api)),
            set("PATCHBAY__API__SYSTEM_KEY", self.system_key.clone()),
            set("PATCHBAY__SECRETS__KEY", hex::<32>()),
            set("PATCHBAY__PROVIDERS__TWILIO__BASE_URL", self.simulator()),
        ];
        for whose in ["KEY", "TENANT"] {
            env.push(set(&format!("PATCHBAY__LIMITS__{whose}_PER_SECOND"), "1000000".to_owned()));
            env.push(set(&format!("PATCHBAY__LIMITS__{whose}_BURST"), "10000000".to_owned()));
        }
        env
    }

    fn launch(&mut self, name: &'static str, args: &[&str], at: SocketAddr, env: &[(String, String)]) -> Result<()> {
        self.programs.push(Program::start(name, args, at, env)?);
        Ok(())
    }
}

/// Ports that no system gives to connections that go out: between the choice and the start of the one who is to listen, none
/// takes what was chosen.
const PORTS: Range<u16> = 20_000..32_000;

/// A port of this machine that was free a moment ago.
pub fn free_address() -> Result<SocketAddr> {
    let mut random = StdRng::from_os_rng();
    let mut ports = (0..100).map(|_| random.random_range(PORTS));
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let port = ports.find(free).context("no free port on 127.0.0.1")?;
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// `N` random bytes.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    StdRng::from_os_rng().fill_bytes(&mut bytes);
    bytes
}

/// `N` random bytes in hex, for keys.
pub fn hex<const N: usize>() -> String {
    random::<N>().map(|byte| format!("{byte:02x}")).concat()
}
