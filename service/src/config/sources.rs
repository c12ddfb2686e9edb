//! Where settings come from: the text of a file and a set of environment variables.
//!
//! They are taken once, as values, so that tests can pass their own and run in parallel: changing the environment of
//! a running process is unsound and shared by all its tests.

use std::{collections::HashMap, env, fs};

/// The file that `PATCHBAY_CONFIG` names, if any, and the environment. `Debug` shows neither: both hold secrets.
#[derive(Clone, Default)]
pub struct Sources {
    pub(super) file: Option<File>,
    pub(super) environment: HashMap<String, String>,
}

/// A configuration file as it was read.
#[derive(Clone)]
pub(super) struct File {
    pub(super) path: String,
    /// The text, or why there is none.
    pub(super) text: Result<String, String>,
}

impl Sources {
    /// The process's environment, and the file it names. A variable that is not valid Unicode counts as unset.
    #[must_use]
    pub fn from_environment() -> Self {
        let unicode =
            env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::from_variables(unicode)
    }

    /// The `variables` instead of an environment, and the file that `PATCHBAY_CONFIG` among them names.
    #[must_use]
    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let environment: HashMap<_, _> = variables.into_iter().collect();
        let path = environment.get("PATCHBAY_CONFIG").filter(|path| !path.is_empty());
        let file = path
            .map(|path| File { path: path.clone(), text: fs::read_to_string(path).map_err(|error| error.to_string()) });
        Self { file, environment }
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets the text of the file, shown in errors as `patchbay.toml`.
    #[must_use]
    pub fn with_toml(mut self, text: &str) -> Self {
        self.file = Some(File { path: "patchbay.toml".to_owned(), text: Ok(text.to_owned()) });
        self
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Sources").finish_non_exhaustive()
    }
}
