//! Which providers this process has, by the kind that a provider account's row names.
//!
//! The kind is an enum rather than a free string, so that a stored name without an implementation is refused when the
//! row is read, not when the first message is due.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::Provider;

/// The providers Patchbay can talk to. The text form is stored in rows and used in webhook paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// Twilio Programmable Messaging.
    Twilio,
}

impl ProviderKind {
    /// Every kind, for enums in documents and checks.
    pub const ALL: &'static [Self] = &[Self::Twilio];

    /// The stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such provider")]
pub struct UnknownProvider;

impl FromStr for ProviderKind {
    type Err = UnknownProvider;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name).ok_or(UnknownProvider)
    }
}

/// The providers of this process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    providers: BTreeMap<ProviderKind, Arc<dyn Provider>>,
}

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a provider under its own kind, replacing one of the same kind.
    #[must_use]
    pub fn with(mut self, provider: impl Provider + 'static) -> Self {
        self.providers.insert(provider.kind(), Arc::new(provider));
        self
    }

    /// The provider of this kind, if this process has it.
    #[must_use]
    pub fn get(&self, kind: ProviderKind) -> Option<&Arc<dyn Provider>> {
        self.providers.get(&kind)
    }

    /// Every provider, in the order of their kinds.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.providers.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_name() {
        for kind in ProviderKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!("carrier_pigeon".parse::<ProviderKind>(), Err(UnknownProvider));
    }
}
