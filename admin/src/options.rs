//! What every command takes.

use std::time::Duration;

use clap::Args;
use secrecy::SecretString;

use crate::{failure::Failure, when};

/// Arguments of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Options {
    /// Where the API is.
    #[arg(
        long,
        global = true,
        env = "PATCHBAY_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080",
        value_name = "URL"
    )]
    pub url: String,

    /// The system key (pb_sys_…) or a tenant's key. Better in PATCHBAY_KEY, which other users of the machine cannot see.
    #[arg(long, global = true, env = "PATCHBAY_KEY", hide_env_values = true, value_name = "KEY")]
    pub key: Option<SecretString>,

    /// Which tenant is meant, for the system key (tnt_…).
    #[arg(long, global = true, env = "PATCHBAY_TENANT", hide_env_values = true, value_name = "ID")]
    pub tenant: Option<String>,

    /// The API's own JSON instead of a table.
    #[arg(long, global = true)]
    pub json: bool,

    /// Look again every so often until Ctrl-C; every 2 s where no time is given.
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2",
        value_parser = when::seconds
    )]
    pub watch: Option<Duration>,

    /// Do not ask before something is changed for good.
    #[arg(long, short = 'y', global = true)]
    pub yes: bool,
}

impl Options {
    /// The key, which must be there.
    ///
    /// # Errors
    /// It is not.
    pub fn key(&self) -> Result<&SecretString, Failure> {
        self.key.as_ref().ok_or_else(|| Failure::Usage("no key: set PATCHBAY_KEY, or give --key".to_owned()))
    }
}
