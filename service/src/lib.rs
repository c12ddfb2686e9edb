//! What the three deployables share: configuration and the connections that it describes, telemetry, time and
//! randomness, the health listener, the HTTP client, shutdown and sealing.
//!
//! It exists so that a rule such as "secrets are never logged" or "the first SIGTERM drains" has one place.
//! It knows no table, no kind of job and no CRM word; without the feature `process` it does not even know the database,
//! so that every crate may depend on it.
//! It is broken by putting product rules here: then the API, the workers and the scheduler change together.

#[cfg(feature = "process")]
mod allocator;
pub mod clock;
#[cfg(feature = "process")]
pub mod config;
#[cfg(feature = "process")]
pub mod connect;
pub mod entropy;
#[cfg(feature = "process")]
pub mod health;
#[cfg(feature = "process")]
pub mod http;
#[cfg(feature = "process")]
pub mod metrics;
pub mod secrets;
#[cfg(feature = "process")]
pub mod shutdown;
#[cfg(feature = "process")]
pub mod telemetry;

pub use clock::{Clock, SystemClock, TestClock};
#[cfg(feature = "process")]
pub use config::{Config, ConfigErrors, Process, Sources};
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use secrets::Sealer;
#[cfg(feature = "process")]
pub use shutdown::Shutdown;
