//! A part of Redis for one run, emptied at its end; what killed runs left is swept by the next one, as with databases.

use anyhow::Result;

const PREFIX: &str = "bench-";

/// A namespace that nobody else uses.
pub struct Namespace {
    client: redis::Client,
    name: String,
}

impl Namespace {
    /// An empty one.
    ///
    /// # Errors
    /// Redis's.
    pub async fn fresh(url: &str) -> Result<Self> {
        let client = redis::Client::open(url)?;
        let name = format!("{PREFIX}{}", std::process::id());
        let this = Self { client, name };
        this.remove_if(|owner| owner == this.name || !lives(owner)).await?;
        Ok(this)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Removes its keys.
    ///
    /// # Errors
    /// Redis's.
    pub async fn remove(&self) -> Result<()> {
        self.remove_if(|owner| owner == self.name).await
    }

    async fn remove_if(&self, wanted: impl Fn(&str) -> bool) -> Result<()> {
        let mut conn = self.client.get_multiplexed_async_connection().await?;
        let mut cursor = 0_u64;
        loop {
            let (next, keys): (u64, Vec<String>) = redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(format!("{PREFIX}*"))
                .arg("COUNT")
                .arg(1000)
                .query_async(&mut conn)
                .await?;
            let ours: Vec<String> = keys.into_iter().filter(|key| key.split(':').next().is_some_and(&wanted)).collect();
            if !ours.is_empty() {
                let () = redis::cmd("UNLINK").arg(ours).query_async(&mut conn).await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }
}

/// Whether the process that made a namespace still runs.
fn lives(name: &str) -> bool {
    let pid = name.strip_prefix(PREFIX).and_then(|pid| pid.parse::<i32>().ok());
    pid.is_some_and(|pid| nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok())
}
