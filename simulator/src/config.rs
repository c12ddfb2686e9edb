//! How one simulator is set up: flags for the program, a plain struct for tests.
//!
//! One type for both, so that a test cannot run a simulator that the command line could not. What changes while
//! it runs (faults, accounts, numbers) is not here but behind `/_sim`.

use std::net::{Ipv4Addr, SocketAddr};

use clap::Parser;

/// Settings that hold for the life of a simulator.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "patchbay-simulator",
    version,
    about = "Stands in for Twilio SMS over HTTP: answers, signed receipts, and faults on demand."
)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one. Keep it on loopback: `/_sim` asks for no password.
    #[arg(long, env = "PATCHBAY__SIMULATOR__LISTEN", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)))]
    pub listen: SocketAddr,
    /// Milliseconds from acceptance to `sent`, where no fault setting says otherwise.
    #[arg(long, default_value_t = 5)]
    pub sent_after_ms: u64,
    /// Milliseconds from acceptance to `delivered`, where no fault setting says otherwise.
    #[arg(long, default_value_t = 20)]
    pub delivered_after_ms: u64,
    /// Messages kept for look-up, over all accounts; the oldest go first. Counters stay exact.
    #[arg(long, default_value_t = 1_000_000)]
    pub keep_messages: usize,
    /// Distinct (account, to, body) remembered to prove "exactly once"; beyond it `tracking_complete` is false.
    #[arg(long, default_value_t = 4_000_000)]
    pub keep_fingerprints: usize,
    /// Receipts and inbound webhooks under way at the same time.
    #[arg(long, default_value_t = 512)]
    pub callback_concurrency: usize,
    /// Tries after the first when a callback cannot connect. Any answer, also a 500, ends it.
    #[arg(long, default_value_t = 3)]
    pub callback_retries: u32,
    /// Messages and callbacks that may wait inside; beyond it sends get 429.
    #[arg(long, default_value_t = 1_000_000)]
    pub max_pending: usize,
    /// Segments a second for each sending number without a setting of its own; 0 is unlimited.
    #[arg(long, default_value_t = 0.0)]
    pub segments_per_second: f64,
}

impl Default for Config {
    /// The program's defaults, on a free port.
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), ..Self::parse_from(["patchbay-simulator"]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Config::command().debug_assert();
    }
}
