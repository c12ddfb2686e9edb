//! Who used the processors during a measurement.
//!
//! Everything runs on the same few cores, so the share of each program says where the time went. Read from Linux's
//! `/proc`; elsewhere there is nothing to say, and the figures stand without it.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// Processor time of each process until some instant. (Of each process: a kernel thread changes its name.)
pub struct Cpu {
    at: Instant,
    used: HashMap<u32, (String, u64)>,
}

impl Cpu {
    /// The time used until now.
    pub fn now() -> Self {
        let mut used = HashMap::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            if let Some((name, ticks)) = parse(&stat) {
                used.insert(pid, (name.to_owned(), ticks));
            }
        }
        Self { at: Instant::now(), used }
    }

    /// The programs that used most since then, in cores.
    pub fn since(&self) -> String {
        let now = Self::now();
        let passed = now.at - self.at;
        let mut by_name: BTreeMap<String, u64> = BTreeMap::new();
        for (pid, (name, ticks)) in now.used {
            let before = self.used.get(&pid).map_or(0, |(_, ticks)| *ticks);
            *by_name.entry(name).or_default() += ticks.saturating_sub(before);
        }
        let mut shares: Vec<(f64, String)> = by_name
            .into_iter()
            .map(|(name, ticks)| {
                (f64::from(u32::try_from(ticks).unwrap_or(u32::MAX)) / TICKS / passed.as_secs_f64(), name)
            })
            .filter(|(cores, _)| *cores >= 0.02)
            .collect();
        shares.sort_by(|a, b| b.0.total_cmp(&a.0));
        let shares: Vec<String> =
            shares.into_iter().take(6).map(|(cores, name)| format!("{name} {cores:.2}")).collect();
        shares.join(", ")
    }
}

/// Clock ticks a second: 100 in every Linux that is not built for something special.
const TICKS: f64 = 100.0;

/// The program's name, and its user and system time.
fn parse(stat: &str) -> Option<(&str, u64)> {
    let (before, after) = stat.rsplit_once(") ")?;
    let (_, name) = before.split_once('(')?;
    let mut fields = after.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((name, user + system))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 0 0 0 30 12 0 0 20 0 1 0 5 1 1";
        assert_eq!(parse(stat), Some(("a) b (c)", 42)));
        assert_eq!(parse(""), None);
    }
}
