//! The user PostgreSQL runs as. It refuses to run as root, so root hands it to somebody else.
//!
//! The order is: `postgres` (the packages make it), a system user made here, `nobody`. Everyone
//! else runs it as themselves.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::unistd::{User, geteuid};

const MADE_HERE: &str = "patchbay-dev";

/// Who a server runs as: somebody else when we are root, ourselves otherwise.
pub struct Owner(Option<User>);

impl Owner {
    /// The user that called us.
    pub fn myself() -> Self {
        Self(None)
    }

    /// The user for PostgreSQL. Makes one if root finds none.
    pub fn for_postgres() -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self::myself());
        }
        for name in ["postgres", MADE_HERE] {
            if let Some(user) = User::from_name(name)? {
                return Ok(Self(Some(user)));
            }
        }
        let made = Command::new("useradd")
            .args(["--system", "--no-create-home", "--shell", "/usr/sbin/nologin", MADE_HERE])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let name = if made.is_ok_and(|status| status.success()) { MADE_HERE } else { "nobody" };
        match User::from_name(name)? {
            Some(user) => Ok(Self(Some(user))),
            None => bail!(
                "PostgreSQL must not run as root, and there is no other user to run it as: \
                           create one with `useradd --system postgres`, then repeat"
            ),
        }
    }

    /// Makes a command run as this user.
    pub fn own<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match &self.0 {
            // The standard library drops root's other groups when it changes the user.
            Some(user) => command.uid(user.uid.as_raw()).gid(user.gid.as_raw()),
            None => command,
        }
    }

    /// Gives a path to this user.
    pub fn give(&self, path: &Path) -> Result<()> {
        let Some(user) = &self.0 else { return Ok(()) };
        let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
        std::os::unix::fs::chown(path, Some(uid), Some(gid))
            .with_context(|| format!("cannot give {} to {}", path.display(), user.name))
    }

    /// User and group by number, where that is not ourselves.
    pub fn ids(&self) -> Option<String> {
        self.0.as_ref().map(|user| format!("{}:{}", user.uid, user.gid))
    }

    /// Whether this user can come to this folder through all its parents, and write there.
    pub fn can_use(&self, folder: &Path) -> bool {
        let probe = folder.join(".probe");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "touch \"$0\" && rm \"$0\""]).arg(&probe).current_dir("/");
        self.own(&mut command).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}
