//! Every kind of job there is.
//!
//! One list, so that operators, the API and the tests see the same kinds. A job's file that is not in it fails a test
//! below, and so does a kind without an example of each version of its payload (`payloads/<kind>.v<version>.json`),
//! which must decode for ever: such jobs may be waiting when a deploy comes.

use patchbay_queue::job::DecodeError;
use patchbay_queue::{Job, Policy};

use crate::{imports, messages};

/// One kind of job.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// The version of the payloads made now.
    pub version: i16,
    /// The queue it waits in.
    pub queue: &'static str,
    /// How it is tried.
    pub policy: Policy,
    decode: fn(i16, &[u8]) -> Result<(), DecodeError>,
}

impl Kind {
    const fn of<J: Job>() -> Self {
        Self {
            name: J::KIND,
            version: J::VERSION,
            queue: J::QUEUE,
            policy: J::POLICY,
            decode: |version, payload| J::decode(version, payload).map(drop),
        }
    }

    /// Whether a payload of `version` can be read.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check(&self, version: i16, payload: &[u8]) -> Result<(), DecodeError> {
        (self.decode)(version, payload)
    }
}

/// Every kind, by name.
pub const KINDS: &[Kind] = &[
    Kind::of::<imports::ImportLeads>(),
    Kind::of::<messages::TakeInbound>(),
    Kind::of::<messages::ApplyReceipts>(),
    Kind::of::<messages::Reconcile>(),
    Kind::of::<messages::SendMessages>(),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn files(folder: &str) -> Vec<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let names = std::fs::read_dir(path).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn every_example_decodes_and_every_version_has_one() {
        let examples: BTreeSet<String> = files("payloads").into_iter().collect();
        let mut seen = 0;
        for kind in KINDS {
            for version in 1..=kind.version {
                let name = format!("{}.v{version}.json", kind.name);
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("payloads").join(&name);
                let payload = std::fs::read(&path).unwrap_or_else(|_| panic!("no example {name}"));
                assert_eq!(kind.check(version, &payload), Ok(()), "{name}");
                seen += 1;
            }
        }
        assert_eq!(seen, examples.len(), "an example of no kind among {examples:?}");
    }

    #[test]
    fn every_file_of_a_job_is_registered() {
        let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len(), "a name twice");
        let areas = files("src").into_iter().filter(|name| !name.contains('.'));
        for area in areas {
            for file in files(&format!("src/{area}")).iter().filter(|file| *file != "mod.rs") {
                let name = format!("{area}.{}", file.trim_end_matches(".rs"));
                assert!(names.contains(name.as_str()), "src/{area}/{file} is not in KINDS as {name}");
            }
        }
    }

    #[test]
    fn a_payload_of_a_newer_version_is_left_to_newer_code() {
        for kind in KINDS {
            assert!(matches!(kind.check(kind.version + 1, b"{}"), Err(DecodeError::Newer { .. })), "{}", kind.name);
        }
    }
}
