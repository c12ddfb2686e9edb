//! The configuration of the three programs: an optional TOML file, overlaid by the environment.
//!
//! One file a section, each key declared once in code with its default; `config.example.toml` shows them all and a
//! test holds the two together. Everything wrong is found in one pass and reported at once, because finding one
//! mistake per restart is what makes a deployment slow.
//! Rejected: deriving `Deserialize` for the sections. It stops at the first mistake, and its errors may quote a secret.
//! It is broken by reading an environment variable anywhere else: such a key is in no example and checked by nobody.

mod api;
mod database;
mod http;
mod limits;
mod log;
mod problem;
mod providers;
mod queue;
mod reader;
mod redis;
mod retention;
mod scheduler;
mod secrets;
mod settings;
mod sources;
mod telemetry;
mod value;
mod worker;

#[cfg(test)]
mod example;

pub use api::ApiConfig;
pub use database::DatabaseConfig;
pub use http::HttpConfig;
pub use limits::{LimitsConfig, RateLimit};
pub use log::{LogConfig, LogFormat};
pub use problem::{ConfigErrors, Problem};
pub use providers::{ProvidersConfig, TwilioConfig};
pub use queue::QueueConfig;
pub use redis::RedisConfig;
pub use retention::RetentionConfig;
pub use scheduler::SchedulerConfig;
pub use secrets::SecretsConfig;
pub use sources::Sources;
pub use telemetry::TelemetryConfig;
pub use value::ByteSize;
pub use worker::{Slices, WorkerConfig};

use reader::Reader;

/// The program that loads the configuration: each requires only the secrets that it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// `patchbay-api serve`.
    Api,
    /// `patchbay-api migrate`: needs the database only.
    Migrate,
    /// `patchbay-worker`.
    Worker,
    /// `patchbay-scheduler`.
    Scheduler,
}

/// All settings, checked. Holds secrets, which its `Debug` does not show.
#[derive(Debug, Clone)]
pub struct Config {
    /// The HTTP API.
    pub api: ApiConfig,
    /// PostgreSQL.
    pub database: DatabaseConfig,
    /// The client for outgoing HTTP.
    pub http: HttpConfig,
    /// What a key and a tenant may ask for.
    pub limits: LimitsConfig,
    /// Logs.
    pub log: LogConfig,
    /// The providers' addresses.
    pub providers: ProvidersConfig,
    /// The queue engine.
    pub queue: QueueConfig,
    /// Redis.
    pub redis: RedisConfig,
    /// How long finished things are kept.
    pub retention: RetentionConfig,
    /// The scheduler.
    pub scheduler: SchedulerConfig,
    /// The keys that seal stored credentials.
    pub secrets: SecretsConfig,
    /// Traces.
    pub telemetry: TelemetryConfig,
    /// The worker.
    pub worker: WorkerConfig,
}

impl Config {
    /// Loads the settings of `process` from the file that `PATCHBAY_CONFIG` names and from the environment.
    ///
    /// # Errors
    /// Everything that is wrong, at once: a key without a value, with a wrong one, or unknown.
    pub fn load(process: Process) -> Result<Self, ConfigErrors> {
        Self::from_sources(process, &Sources::from_environment())
    }

    /// Loads the settings of `process` from `sources`: the way for tests, which must not touch the environment.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_sources(process: Process, sources: &Sources) -> Result<Self, ConfigErrors> {
        let (settings, problems) = settings::merge(sources);
        let mut reader = Reader::new(process, settings, problems);
        let config = Self::read(&mut reader);
        reader.finish()?;
        Ok(config)
    }

    fn read(reader: &mut Reader) -> Self {
        Self {
            api: ApiConfig::read(reader),
            database: DatabaseConfig::read(reader),
            http: HttpConfig::read(reader),
            limits: LimitsConfig::read(reader),
            log: LogConfig::read(reader),
            providers: ProvidersConfig::read(reader),
            queue: QueueConfig::read(reader),
            redis: RedisConfig::read(reader),
            retention: RetentionConfig::read(reader),
            scheduler: SchedulerConfig::read(reader),
            secrets: SecretsConfig::read(reader),
            telemetry: TelemetryConfig::read(reader),
            worker: WorkerConfig::read(reader),
        }
    }
}
