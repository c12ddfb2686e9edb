//! `patchbay-api`: serves the API, migrates the database, or prints the API document.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::{Parser, Subcommand};
use patchbay_api::{
    app::{App, Parts},
    http::{keyring::Keyring, limits::Limits},
    jobs::watch::Watcher,
    messages::Acceptor,
    openapi, provider_accounts, server,
    webhooks::Intake,
};
use patchbay_db::{Db, migrate};
use patchbay_queue::Lanes;
use patchbay_queue::clock::EngineClock;
use patchbay_queue::context::LedgerPool;
use patchbay_queue::ledger::DepthGuard;
use patchbay_service::config::ConfigErrors;
use patchbay_service::connect::Connections;
use patchbay_service::{Clock, Config, Entropy, Process, Shutdown, SystemEntropy, health::Health, telemetry};

/// What the process is called, in traces and in `pg_stat_activity`.
const PROGRAM: &str = "patchbay-api";

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// From the first signal to the end, at the most.
const GRACE: Duration = Duration::from_secs(25);

/// How long the start waits for the ledger's time.
const FIRST_HEARD_WITHIN: Duration = Duration::from_secs(2);

/// Wrong arguments or configuration, as clap has it.
const USAGE: u8 = 2;

const AFTER: &str = "Configuration: the TOML file that PATCHBAY_CONFIG names, overlaid by the environment
(DATABASE_URL, REDIS_URL, RUST_LOG, PATCHBAY__SECTION__KEY); config.example.toml shows every key.
SIGTERM drains: no new request is taken, those under way are answered.

Exit codes: 0 after a signal; 1 it failed; 2 the arguments or the configuration are wrong.";

/// The HTTP API of Patchbay.
#[derive(Parser)]
#[command(name = "patchbay-api", version, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the API (the default).
    Serve,
    /// Brings the database up to this program's SQL, and ends.
    Migrate,
    /// Prints the API document.
    Openapi,
}

fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or(Command::Serve);
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider is installed already");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(run(command)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Telemetry may not be up yet, and standard error is where a supervisor looks.
            let _ = writeln!(io::stderr(), "patchbay-api: {}", chain(&*failure));
            if failure.is::<ConfigErrors>() { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve => serve().await,
        Command::Migrate => {
            let config = Config::load(Process::Migrate)?;
            let _telemetry = telemetry::init(PROGRAM, &config)?;
            let applied = migrate::up(&config.database.url).await?;
            tracing::info!(count = applied.len(), ?applied, "the database is up to date");
            Ok(())
        }
        Command::Openapi => {
            let text = serde_json::to_string_pretty(&openapi::document(openapi::LOCAL_SERVER))?;
            writeln!(io::stdout(), "{text}")?;
            Ok(())
        }
    }
}

async fn serve() -> Result<(), Failure> {
    let config = Config::load(Process::Api)?;
    let _telemetry = telemetry::init(PROGRAM, &config)?;
    let shutdown = Shutdown::on_signals(GRACE)?;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let Connections { db, lanes, ledger, .. } = Connections::new(&config, PROGRAM, &*entropy)?;
    let health = health(&shutdown, &db, lanes.clone());
    let sealer = config.secrets.sealer(Arc::clone(&entropy)).ok_or("secrets.key is not set")?;
    let clock = the_ledgers(&ledger).await;
    let providers = provider_accounts::providers(&config)?;
    let depth = DepthGuard::new(config.queue.tenant_depth.into());
    let app = App::new(Parts {
        webhooks: Intake::new(&db, &clock, &sealer, providers.clone(), &config.api),
        acceptor: Acceptor::new(&db, &clock, &depth),
        depth,
        providers,
        keys: Keyring::new(db.clone(), config.api.system_key.as_ref()),
        limits: Limits::new(&config.limits),
        jobs: Watcher::new(db.clone(), shutdown.draining_token()),
        clock,
        db,
        entropy,
        sealer,
        config,
    });
    let told = app.clone();
    // Ends with the process.
    tokio::spawn(async move { told.limits.shared.run(&lanes).await });
    let serving = server::serve(app, health, shutdown.clone(), |address| tracing::info!(%address, "serving"));
    match shutdown.finish(serving).await {
        patchbay_service::shutdown::Finish::Done(served) => Ok(served?),
        patchbay_service::shutdown::Finish::Cut => Err("cut off while draining".into()),
    }
}

/// The ledger's clock: one of a machine whose date is wrong would put what is accepted here into the past or the future. A
/// ledger that is away now is heard later.
async fn the_ledgers(ledger: &LedgerPool) -> Arc<dyn Clock> {
    let clock = EngineClock::default();
    if let Ok(Err(error)) = tokio::time::timeout(FIRST_HEARD_WITHIN, clock.ask(ledger)).await {
        tracing::debug!(%error, "the ledger's time is asked for again");
    }
    let (following, ledger) = (clock.clone(), ledger.clone());
    // Ends with the process.
    tokio::spawn(async move { following.follow(&ledger).await });
    Arc::new(clock)
}

fn health(shutdown: &Shutdown, db: &Db, lanes: Lanes) -> Health {
    let db = db.clone();
    Health::builder(PROGRAM, shutdown)
        .check("database", move || {
            let db = db.clone();
            async move {
                let tx = db.system("readiness: a transaction can be had").await.map_err(|_| "no answer".to_owned())?;
                tx.commit().await.map_err(|_| "no answer".to_owned())
            }
        })
        .check("redis", move || {
            let lanes = lanes.clone();
            async move { lanes.ping().await.map_err(|_| "no answer".to_owned()) }
        })
        .build()
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
