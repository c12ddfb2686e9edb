//! Penalties and open breakers as a whole: read, so that the ledger knows of them, and told again to a Redis that was emptied.

use uuid::Uuid;

use super::{LaneName, Lanes};

/// Something behind `key` is left alone until a Unix millisecond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// What is.
    pub key: LaneName,
    /// Until when.
    pub until_ms: i64,
    /// How often in a row a breaker has opened; nothing for a penalty.
    pub opened: Option<u32>,
}

/// A key from how Redis names it.
fn key_of(field: &str) -> Option<LaneName> {
    if field == "*" {
        return Some(LaneName { tenant: Uuid::nil(), lane: String::new() });
    }
    let (tenant, lane) = field.split_once('\n').unwrap_or((field, ""));
    Some(LaneName { tenant: tenant.parse().ok()?, lane: lane.to_owned() })
}

fn penalty((field, until): (String, String)) -> Option<Stop> {
    Some(Stop { key: key_of(&field)?, until_ms: until.parse().ok()?, opened: None })
}

fn breaker((field, state): (String, String)) -> Option<Stop> {
    let mut parts = state.split(' ');
    let until_ms = parts.next()?.parse().ok()?;
    Some(Stop { key: key_of(&field)?, until_ms, opened: Some(parts.next()?.parse().ok()?) })
}

impl Lanes {
    /// The penalties and breakers of `queue`, those that are over and not looked at since among them.
    ///
    /// # Errors
    /// Redis's.
    pub(crate) async fn stops(&self, queue: &str) -> redis::RedisResult<Vec<Stop>> {
        let (penalties, breakers) = (self.scan(queue, "penalty").await?, self.scan(queue, "breaker").await?);
        Ok(penalties.into_iter().filter_map(penalty).chain(breakers.into_iter().filter_map(breaker)).collect())
    }

    /// Tells `queue` of `stops` that were noted before it was closed. What it knows of itself stands.
    ///
    /// # Errors
    /// Redis's.
    pub(crate) async fn tell_stops(&self, queue: &str, stops: &[Stop]) -> redis::RedisResult<()> {
        let prefix = self.prefix(queue);
        for chunk in stops.chunks(500) {
            let mut pipe = redis::pipe();
            for stop in chunk {
                let (hash, value) = match stop.opened {
                    None => ("penalty", stop.until_ms.to_string()),
                    Some(opened) => ("breaker", format!("{} {opened} -", stop.until_ms)),
                };
                pipe.cmd("HSETNX").arg(format!("{prefix}{hash}")).arg(stop.key.field()).arg(value).ignore();
            }
            pipe.query_async::<()>(&mut self.conn()).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_again_from_its_name() {
        let tenant = Uuid::from_u128(7);
        for (tenant, lane) in [(Uuid::nil(), ""), (Uuid::nil(), "pa_1"), (tenant, ""), (tenant, "pa_1~+1")] {
            let key = LaneName { tenant, lane: lane.to_owned() };
            assert_eq!(key_of(&key.field()), Some(key));
        }
    }
}
