//! What of a queue is stopped, drained or resumed.

use clap::Args;

/// A part of a queue; with --tenant, of the tenant's share. All of it where nothing is said.
#[derive(Debug, Args)]
pub struct Scope {
    /// The queue's name; `*` for all of them.
    pub queue: String,
    /// Only this lane of the tenant, or all lanes under this prefix.
    #[arg(long, value_name = "LANE")]
    pub lane: Option<String>,
    /// Only jobs of this kind, everybody's. For the system key.
    #[arg(long, value_name = "KIND", conflicts_with_all = ["lane", "tenant"])]
    pub kind: Option<String>,
    /// With --lane: everybody's lanes under this prefix. For the system key.
    #[arg(long, requires = "lane", conflicts_with = "tenant")]
    pub shared: bool,
}
