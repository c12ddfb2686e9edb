//! What Redis did during a measurement: calls and time by command, from `INFO commandstats`.

use std::collections::BTreeMap;

use anyhow::Result;

/// Calls and microseconds by command, since Redis started.
pub struct RedisStats {
    client: redis::Client,
    commands: BTreeMap<String, (u64, u64)>,
}

impl RedisStats {
    /// The counts until now.
    ///
    /// # Errors
    /// Redis's.
    pub async fn now(url: &str) -> Result<Self> {
        let client = redis::Client::open(url)?;
        let commands = read(&client).await?;
        Ok(Self { client, commands })
    }

    /// The commands that took most time since then: name, calls, microseconds a call.
    ///
    /// # Errors
    /// Redis's.
    pub async fn since(&self) -> Result<String> {
        let mut rows: Vec<(u64, u64, String)> = Vec::new();
        for (name, (calls, microseconds)) in read(&self.client).await? {
            let (calls_before, before) = self.commands.get(&name).copied().unwrap_or_default();
            let calls = calls.saturating_sub(calls_before);
            if calls > 0 {
                rows.push((microseconds.saturating_sub(before), calls, name));
            }
        }
        rows.sort_unstable_by(|a, b| b.cmp(a));
        let total: u64 = rows.iter().filter(|row| row.2.starts_with("eval")).map(|row| row.0).sum();
        let shown: Vec<String> = rows
            .into_iter()
            .take(8)
            .map(|(microseconds, calls, name)| format!("{name} {calls}x{}us", microseconds / calls))
            .collect();
        Ok(format!(
            "{} (scripts {:.2} s in all)",
            shown.join(", "),
            std::time::Duration::from_micros(total).as_secs_f64()
        ))
    }
}

async fn read(client: &redis::Client) -> Result<BTreeMap<String, (u64, u64)>> {
    let mut conn = client.get_multiplexed_async_connection().await?;
    let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut conn).await?;
    Ok(info.lines().filter_map(parse).collect())
}

fn parse(line: &str) -> Option<(String, (u64, u64))> {
    let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(':')?;
    let field = |wanted: &str| {
        let value = rest.split(',').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == wanted))?.1;
        value.parse::<u64>().ok()
    };
    Some((name.to_owned(), (field("calls")?, field("usec")?)))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_line_of_commandstats_is_read() {
        let line = "cmdstat_evalsha:calls=12,usec=340,usec_per_call=28.33,rejected_calls=0,failed_calls=0";
        assert_eq!(parse(line), Some(("evalsha".to_owned(), (12, 340))));
        assert_eq!(parse("# Commandstats"), None);
    }
}
