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
use patchbay_db::{Db, DbConfig, Ids, Pools, migrate};
use patchbay_queue::{Dispatcher, Lanes, lanes::Window};
use patchbay_service::{
    Clock, Config, Entropy, Process, Shutdown, SystemClock, SystemEntropy, health::Health, telemetry,
};
use secrecy::ExposeSecret;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// From the first signal to the end, at the most.
const GRACE: Duration = Duration::from_secs(25);

/// The HTTP API of Patchbay.
#[derive(Parser)]
#[command(version)]
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
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve => serve().await,
        Command::Migrate => {
            let config = Config::load(Process::Migrate)?;
            let _telemetry = telemetry::init("patchbay-api", &config)?;
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
    let _telemetry = telemetry::init("patchbay-api", &config)?;
    let shutdown = Shutdown::on_signals(GRACE)?;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let lanes = Lanes::connect(config.redis.url.expose_secret(), &config.redis.namespace)?;
    let pools = Pools::new(&db_config(&config))?;
    let db = Db::new(pools, Ids::new(entropy.array()), Dispatcher::start(lanes.clone(), Window::default()));
    let health = health(&shutdown, &db, lanes);
    let sealer = config.secrets.sealer(Arc::clone(&entropy)).ok_or("secrets.key is not set")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let providers = provider_accounts::providers(&config)?;
    let app = App::new(Parts {
        webhooks: Intake::new(&db, &clock, &sealer, providers.clone(), &config.api),
        acceptor: Acceptor::new(&db, &clock),
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
    let serving = server::serve(app, health, shutdown.clone(), |address| tracing::info!(%address, "serving"));
    match shutdown.finish(serving).await {
        patchbay_service::shutdown::Finish::Done(served) => Ok(served?),
        patchbay_service::shutdown::Finish::Cut => Err("cut off while draining".into()),
    }
}

fn db_config(config: &Config) -> DbConfig {
    let database = &config.database;
    let mut settings = DbConfig::new(database.url.clone());
    settings.app_url.clone_from(&database.app_url);
    settings.system_url.clone_from(&database.system_url);
    settings.app_connections = database.app_pool_max;
    settings.system_connections = database.system_pool_max;
    settings.acquire_timeout = database.acquire_timeout;
    settings.statement_timeout = database.statement_timeout;
    "patchbay-api".clone_into(&mut settings.application_name);
    settings
}

fn health(shutdown: &Shutdown, db: &Db, lanes: Lanes) -> Health {
    let db = db.clone();
    Health::builder("patchbay-api", shutdown)
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
