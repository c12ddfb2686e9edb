//! Reads typed values out of the merged settings and collects what is wrong instead of stopping at it.
//!
//! A section's file declares each key by reading it: key, kind and default stand together, and the set of keys that
//! were read is what an unknown key and `config.example.toml` are checked against. A default is text and goes through
//! the same parser as a setting, so it cannot be of a form that a user could not write.

use std::{fmt::Debug, ops::RangeInclusive};

use super::{
    ConfigErrors, Problem, Process,
    settings::{Settings, variable},
    value::Kind,
};

/// One load of the configuration.
pub(super) struct Reader {
    process: Process,
    settings: Settings,
    /// Every key that was read, with its default as text, in the order of reading.
    pub(super) declared: Vec<(String, &'static str)>,
    problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn new(process: Process, settings: Settings, problems: Vec<Problem>) -> Self {
        Self { process, settings, declared: Vec::new(), problems }
    }

    /// The section `name`; a section within another has a dotted name.
    pub(super) fn section(&mut self, name: &'static str) -> Section<'_> {
        Section { reader: self, name }
    }

    /// Reports what is wrong, unknown keys included, sorted by key.
    pub(super) fn finish(mut self) -> Result<(), ConfigErrors> {
        let unknown: Vec<_> = self.settings.keys().filter(|key| !self.is_declared(key)).cloned().collect();
        for key in unknown {
            let fix = self.advice_for_unknown(&key);
            self.refuse(key, "is not a key that Patchbay knows".to_owned(), fix);
        }
        if self.problems.is_empty() {
            return Ok(());
        }
        self.problems.sort_by(|left, right| left.key.cmp(&right.key));
        Err(ConfigErrors(self.problems))
    }

    fn is_declared(&self, key: &str) -> bool {
        self.declared.iter().any(|(declared, _)| declared == key)
    }

    fn advice_for_unknown(&self, key: &str) -> String {
        let section = key.rsplit_once('.').map_or("", |(section, _)| section);
        let siblings: Vec<_> = self
            .declared
            .iter()
            .filter_map(|(declared, _)| declared.rsplit_once('.'))
            .filter_map(|(parent, name)| (parent == section).then_some(name))
            .collect();
        if siblings.is_empty() {
            return "remove it, or see config.example.toml for the sections there are".to_owned();
        }
        format!("remove it, or use one of [{section}]: {}", siblings.join(", "))
    }

    fn refuse(&mut self, key: String, wrong: String, fix: String) {
        let set_by = self.settings.get(&key).map(|setting| setting.set_by.clone());
        self.problems.push(Problem { key, set_by, wrong, fix });
    }
}

/// The keys of one section.
pub(super) struct Section<'reader> {
    reader: &'reader mut Reader,
    name: &'static str,
}

impl Section<'_> {
    /// The value of `key`, or its default.
    pub(super) fn get<T: Kind>(&mut self, key: &str, default: &'static str) -> T {
        self.set(key, default)
            .unwrap_or_else(|| T::parse(default).expect("a default is of its key's kind: a test loads them all"))
    }

    /// The value of `key`, which must lie in `range`, or its default.
    pub(super) fn within<T: Kind + PartialOrd + Debug>(
        &mut self,
        key: &str,
        default: &'static str,
        range: RangeInclusive<T>,
    ) -> T {
        let value = self.get(key, default);
        if !range.contains(&value) {
            let wrong = format!("{value:?} is out of range");
            self.refuse(key, &wrong, &format!("set it from {:?} to {:?}", range.start(), range.end()));
        }
        value
    }

    /// The value of `key`, if it is set. Its default is the empty text.
    pub(super) fn optional<T: Kind>(&mut self, key: &str) -> Option<T> {
        self.set(key, "")
    }

    /// The value of `key`, which the `needed_by` programs cannot do without. `fix` says how to come by one.
    pub(super) fn required<T: Kind>(&mut self, key: &str, needed_by: &[Process], fix: &str) -> Option<T> {
        let name = self.full(key);
        let value = self.set(key, "");
        let given = self.reader.settings.get(&name).is_some_and(|setting| !setting.text.is_empty());
        if !given && needed_by.contains(&self.reader.process) {
            let wrong = format!("is not set, and {} needs it", self.reader.process.program());
            self.refuse(key, &wrong, &format!("set {} {fix}", variable(&name)));
        }
        value
    }

    /// Reports that the value of `key` is wrong, for rules beyond one value's form.
    pub(super) fn refuse(&mut self, key: &str, wrong: &str, fix: &str) {
        let key = self.full(key);
        self.reader.refuse(key, wrong.to_owned(), fix.to_owned());
    }

    fn set<T: Kind>(&mut self, key: &str, default: &'static str) -> Option<T> {
        let name = self.full(key);
        let parsed = match self.reader.settings.get(&name) {
            Some(setting) if !(default.is_empty() && setting.text.is_empty()) => Some(T::parse(&setting.text).map_err(
                |why| {
                    if T::SECRET { why } else { format!("{:?} {why}", setting.text) }
                },
            )),
            _ => None,
        };
        self.reader.declared.push((name.clone(), default));
        parsed?
            .map_err(|wrong| {
                self.reader.refuse(name, wrong, format!("write {}", T::FORM));
            })
            .ok()
    }

    fn full(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }
}

impl Process {
    fn program(self) -> &'static str {
        match self {
            Self::Api => "patchbay-api",
            Self::Migrate => "patchbay-api migrate",
            Self::Worker => "patchbay-worker",
            Self::Scheduler => "patchbay-scheduler",
        }
    }
}
