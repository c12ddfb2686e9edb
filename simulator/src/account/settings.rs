//! What `PUT /_sim/accounts/{sid}` sets. Unknown fields are refused, so that a typing error cannot pass for a
//! setting that does nothing.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// The settings of one account. A PUT replaces all of them, except that a token once known stays.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountSettings {
    /// The account's secret. Without it the first one that a request brings is taken.
    pub auth_token: Option<SecretString>,
    /// API keys (`SK…`) and their secrets, as a second way in.
    pub api_keys: BTreeMap<String, SecretString>,
    /// Where a text from a phone is posted.
    pub inbound_url: Option<String>,
    /// The numbers this account owns; another `From` gets 21606. `None`: every valid one is its own.
    pub numbers: Option<Vec<String>>,
    /// Messaging Services (`MG…`) and their sender pools. A service not named here has one made-up number.
    pub messaging_services: BTreeMap<String, Vec<String>>,
    /// Speed of each number without its own setting. `None`: the simulator's default.
    pub throughput: Option<Throughput>,
    /// Speed by number.
    pub number_throughput: BTreeMap<String, Throughput>,
    /// Whether STOP, START and HELP are handled here, as Twilio does unless asked not to.
    pub opt_out_handling: bool,
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            auth_token: None,
            api_keys: BTreeMap::new(),
            inbound_url: None,
            numbers: None,
            messaging_services: BTreeMap::new(),
            throughput: None,
            number_throughput: BTreeMap::new(),
            opt_out_handling: true,
        }
    }
}

/// How fast one number sends, and what happens when more is asked.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Throughput {
    /// Segments a second, evenly; one second's worth may leave at once.
    pub segments_per_second: f64,
    /// Segments that may wait. `None`: ten hours' worth, as at Twilio.
    #[serde(default)]
    pub queue_segments: Option<u64>,
    /// What a full queue answers.
    #[serde(default)]
    pub overflow: Overflow,
}

/// The answer of a full queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// HTTP 429 with code 20429: come back later.
    #[default]
    TooManyRequests,
    /// HTTP 429 with code 21611, Twilio's answer for a single number.
    QueueFull,
    /// Accepted, then failed with 30001, Twilio's way for a Messaging Service.
    FailLater,
}
