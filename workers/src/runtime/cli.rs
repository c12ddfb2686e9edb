//! The command line: which queues this process serves, and how many jobs of each at once.
//!
//! Everything else is configuration. These two are arguments because they are what differs between the deployments of
//! one installation: the same image and settings, one set of replicas for sends, another for imports.

use std::collections::{BTreeMap, BTreeSet};

use clap::Parser;
use patchbay_jobs::registry::KINDS;

/// Runs Patchbay's jobs.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "patchbay-worker", version, after_help = AFTER)]
pub struct Cli {
    /// The queues to serve, some with their number of jobs at once. Without it: all that the configuration gives slots
    #[arg(long, value_name = "QUEUE[=N],…", value_delimiter = ',')]
    queues: Vec<String>,
    /// Jobs at once of each queue that has no number in --queues. Without it: the configuration's [worker.queues]
    #[arg(long, value_name = "N")]
    concurrency: Option<usize>,
}

const AFTER: &str = "Configuration: the TOML file that PATCHBAY_CONFIG names, overlaid by the environment
(DATABASE_URL, REDIS_URL, RUST_LOG, PATCHBAY__SECTION__KEY); config.example.toml shows every key.

Signals: the first SIGTERM or SIGINT drains (claims stop, running jobs get worker.shutdown_grace, what is
unfinished then goes back to its queue and costs nothing); the second gives everything back at once.

Exit codes: 0 after a signal; 1 a part failed; 2 the arguments or the configuration are wrong; 70 the watchdog
ended a process whose claims had stopped.";

/// Jobs at once by queue.
pub type Plan = BTreeMap<String, usize>;

impl Cli {
    /// What the arguments say on their own, before the configuration is known.
    ///
    /// # Errors
    /// Everything that is wrong with them, a line each.
    pub fn requests(&self) -> Result<BTreeMap<String, Option<usize>>, Vec<String>> {
        let known: BTreeSet<&str> = KINDS.iter().map(|kind| kind.queue).collect();
        let (mut requests, mut problems) = (BTreeMap::new(), Vec::new());
        for text in self.queues.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            let (name, number) = text.split_once('=').map_or((text, None), |(name, number)| (name, Some(number)));
            if !known.contains(name) {
                let known: Vec<&str> = known.iter().copied().collect();
                problems.push(format!("--queues: there is no queue {name:?}; the queues are {}", known.join(", ")));
            }
            let slots = number.map(str::parse::<usize>).transpose();
            if slots.as_ref().map_or(true, |slots| *slots == Some(0)) {
                problems.push(format!("--queues: {text:?} is not a queue with a number of jobs; write {name}=4"));
            }
            if requests.insert(name.to_owned(), slots.unwrap_or_default()).is_some() {
                problems.push(format!("--queues: {name:?} stands there twice; name it once"));
            }
        }
        if self.concurrency == Some(0) {
            problems.push("--concurrency: 0 jobs at once is no work; write at least 1".to_owned());
        }
        if problems.is_empty() { Ok(requests) } else { Err(problems) }
    }

    /// The plan that follows from the arguments and the configuration's slots.
    ///
    /// # Errors
    /// Everything that is wrong with the arguments, a line each.
    pub fn plan(&self, configured: &BTreeMap<&'static str, usize>) -> Result<Plan, Vec<String>> {
        let mut requests = self.requests()?;
        if requests.is_empty() {
            let with_slots = configured.iter().filter(|(_, slots)| **slots > 0);
            requests = with_slots.map(|(name, _)| ((*name).to_owned(), None)).collect();
        }
        let slots = |name: &String, own: Option<usize>| {
            own.or(self.concurrency).or_else(|| configured.get(name.as_str()).copied()).unwrap_or(0)
        };
        let plan: Plan =
            requests.into_iter().map(|(name, own)| (slots(&name, own), name)).map(|(n, name)| (name, n)).collect();
        let idle = plan.iter().filter(|(_, slots)| **slots == 0);
        let mut problems: Vec<String> = idle
            .map(|(name, _)| format!("--queues: worker.queues.{name} is 0; write --queues {name}=4, or raise it"))
            .collect();
        if plan.is_empty() {
            problems.push("worker.queues: every queue has 0 slots; give one of them some".to_owned());
        }
        if problems.is_empty() { Ok(plan) } else { Err(problems) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cli(arguments: &[&str]) -> Cli {
        Cli::try_parse_from(std::iter::once(&"patchbay-worker").chain(arguments)).unwrap()
    }

    fn plan(arguments: &[&str]) -> Result<Vec<(String, usize)>, Vec<String>> {
        let configured = BTreeMap::from([("sends", 64), ("imports", 2), ("maintenance", 0)]);
        cli(arguments).plan(&configured).map(|plan| plan.into_iter().collect())
    }

    fn pairs(pairs: &[(&str, usize)]) -> Vec<(String, usize)> {
        pairs.iter().map(|(name, slots)| ((*name).to_owned(), *slots)).collect()
    }

    #[test]
    fn without_arguments_the_configured_queues_are_served() {
        assert_eq!(plan(&[]), Ok(pairs(&[("imports", 2), ("sends", 64)])));
    }

    #[test]
    fn a_number_beside_a_queue_wins_over_the_common_one() {
        assert_eq!(
            plan(&["--queues", "sends,imports=3", "--concurrency", "8"]),
            Ok(pairs(&[("imports", 3), ("sends", 8)]))
        );
        assert_eq!(plan(&["--queues", "maintenance=1"]), Ok(pairs(&[("maintenance", 1)])));
        assert_eq!(plan(&["--concurrency", "5"]), Ok(pairs(&[("imports", 5), ("sends", 5)])));
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let problems = plan(&["--queues", "sedns,imports=x,sends=0,sends", "--concurrency", "0"]).unwrap_err();
        let text = problems.join("\n");
        for part in ["\"sedns\"; the queues are imports,", "\"imports=x\"", "\"sends=0\"", "twice", "--concurrency"] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
        assert_eq!(problems.len(), 5);
    }

    #[test]
    fn a_queue_without_slots_is_not_served_by_accident() {
        assert!(plan(&["--queues", "maintenance"]).unwrap_err()[0].contains("worker.queues.maintenance is 0"));
        assert!(cli(&[]).plan(&BTreeMap::from([("sends", 0)])).is_err());
    }
}
