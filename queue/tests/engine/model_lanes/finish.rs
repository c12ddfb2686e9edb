//! Everything is brought to its end, as the limits allow it; then Redis has nothing left.

use patchbay_queue::LaneName;

use super::gates::Gate;
use super::steps::Fate;
use super::{Case, KEYS, LANES};

/// In so many hours every bucket is full again, whatever it has lent.
const FULL: i64 = 60;
/// Rounds in which breakers, penalties and what runs astray may stand in the way of all.
const BESIDE: usize = 12;

impl Case {
    pub async fn finish(&mut self) {
        if self.model.closed {
            self.repair().await;
        }
        let paused: Vec<LaneName> = self.model.gates.keys().cloned().collect();
        for key in paused {
            self.resume(&key).await;
        }
        while !self.model.held.is_empty() {
            self.come_back(0).await;
        }
        self.model.gates.values_mut().for_each(|gate| gate.hours = None);
        self.copy_controls().await;
        self.work_it_off().await;
        self.nothing_remains().await;
    }

    /// What is slow is served in time all the same.
    async fn work_it_off(&mut self) {
        let jobs = self.model.all_waiting().count() + self.model.running.len() + self.model.astray.len();
        for _ in 0..jobs + BESIDE {
            self.pass(FULL).await;
            self.expire(Fate::Back).await;
            self.claim(100_000, 1_000, true).await;
            for run in self.model.running.clone().into_values() {
                self.ack(&run).await;
            }
            let ruled = self.model.gates.iter().filter(|(_, gate)| gate.rule.is_some());
            let ruled: Vec<LaneName> = ruled.map(|(key, _)| key.clone()).collect();
            for key in ruled {
                self.report_to(&key, true).await;
            }
            if self.model.all_waiting().next().is_none() && self.model.astray.is_empty() {
                return;
            }
        }
        panic!("not over: {:?}, {:?}", self.model.waiting, self.model.gates);
    }

    async fn nothing_remains(&mut self) {
        self.model.gates.values_mut().for_each(|gate| *gate = Gate::default());
        self.copy_controls().await;
        self.pass(FULL).await;
        assert!(self.claim(9, 1, true).await.is_empty(), "nothing runs twice");
        // A penalty that is over is forgotten by whoever asks next at its key.
        for nth in 0..KEYS {
            self.push(nth / LANES.len(), nth % LANES.len(), vec![1], 0, false).await;
        }
        let asked = self.claim(KEYS, 1, true).await;
        assert_eq!(asked.len(), KEYS);
        self.bare.ack(&asked).await;
        let keys: Vec<String> = redis::cmd("KEYS").arg(self.bare.key("*")).query_async(&mut self.redis).await.unwrap();
        let names = keys.iter().filter_map(|key| key.rsplit_once("}:").map(|(_, name)| name));
        let left: Vec<&str> = names.filter(|name| !["meta", "bell", "tag", "flow", "dropped"].contains(name)).collect();
        assert!(left.is_empty(), "{left:?} are left");
    }
}
