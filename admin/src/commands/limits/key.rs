//! The key that limits are set on: a queue, whose, and a lane or a prefix of lanes.

use clap::Args;

/// Where limits are set.
#[derive(Debug, Args)]
pub struct Key {
    /// The queue's name; `*` for what holds in all of them.
    pub queue: String,
    /// The lane, or a prefix of its path; `*` for all of them together.
    pub lane: String,
    /// What all tenants share, instead of one tenant's. For the system key.
    #[arg(long, conflicts_with = "tenant")]
    pub shared: bool,
}

impl Key {
    /// `shared`, where it is said.
    pub fn shared(&self) -> Option<bool> {
        self.shared.then_some(true)
    }

    /// The lane as the API lists it.
    pub fn listed_lane(&self) -> &str {
        if self.lane == "*" { "" } else { &self.lane }
    }
}
