//! Which faults are set now: for all, for an account, for a number.
//!
//! An account's faults stand in place of the global ones, so that a test which shares a simulator is struck by
//! its own only. A marked number strikes first: it is how a demo breaks one phone and repairs it again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use dashmap::DashMap;

use super::effect::Effect;
use super::{Faults, Rule};
use crate::chance;
use crate::plan::Plan;
use crate::sync::{read, write};

/// Rules ready to strike.
pub(crate) struct Armed {
    pub faults: Faults,
    rules: Vec<ArmedRule>,
}

struct ArmedRule {
    rule: Rule,
    effect: Effect,
    left: Option<AtomicU64>,
}

impl Armed {
    fn new(faults: Faults) -> Result<Self, String> {
        let arm = |(index, rule): (usize, &Rule)| {
            let effect = rule.effect().map_err(|why| format!("rules[{index}]: {why}"))?;
            Ok::<_, String>(ArmedRule { rule: rule.clone(), effect, left: rule.times.map(AtomicU64::new) })
        };
        let rules = faults.rules.iter().enumerate().map(arm).collect::<Result<_, _>>()?;
        Ok(Self { faults, rules })
    }

    /// Adds what strikes a send from `from` to `to`.
    pub(crate) fn strike(&self, plan: &mut Plan, to: &str, from: &str) {
        for armed in &self.rules {
            if armed.strikes(to, from) {
                plan.add(armed.effect);
            }
        }
    }
}

impl ArmedRule {
    fn strikes(&self, to: &str, from: &str) -> bool {
        let named = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|w| w == is);
        if !named(&self.rule.to, to) || !named(&self.rule.from, from) {
            return false;
        }
        if !chance::strikes(self.rule.rate) {
            return false;
        }
        let Some(left) = &self.left else { return true };
        let take = |n: u64| n.checked_sub(1);
        left.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }
}

/// All faults that are set.
#[derive(Default)]
pub(crate) struct FaultBoard {
    everyone: RwLock<Option<Arc<Armed>>>,
    accounts: DashMap<String, Arc<Armed>>,
    numbers: DashMap<String, u32>,
}

impl FaultBoard {
    /// What holds for this account.
    pub(crate) fn of(&self, account: &str) -> Option<Arc<Armed>> {
        if !self.accounts.is_empty()
            && let Some(own) = self.accounts.get(account)
        {
            return Some(Arc::clone(&own));
        }
        read(&self.everyone).clone()
    }

    /// Exactly what was set, for an account or for all.
    pub(crate) fn get(&self, account: Option<&str>) -> Faults {
        let armed = match account {
            Some(sid) => self.accounts.get(sid).map(|own| Arc::clone(&own)),
            None => read(&self.everyone).clone(),
        };
        armed.map(|armed| armed.faults.clone()).unwrap_or_default()
    }

    /// Sets the faults of an account, or of all that have none of their own.
    ///
    /// # Errors
    /// A sentence about the first rule that makes no sense; nothing was changed then.
    pub(crate) fn set(&self, account: Option<&str>, faults: Faults) -> Result<(), String> {
        let armed = Arc::new(Armed::new(faults)?);
        match account {
            Some(sid) => drop(self.accounts.insert(sid.to_owned(), armed)),
            None => *write(&self.everyone) = Some(armed),
        }
        Ok(())
    }

    /// Removes the faults of an account, or the global ones.
    pub(crate) fn unset(&self, account: Option<&str>) {
        match account {
            Some(sid) => drop(self.accounts.remove(sid)),
            None => *write(&self.everyone) = None,
        }
    }

    /// Removes everything, marked numbers too.
    pub(crate) fn clear(&self) {
        self.unset(None);
        self.accounts.clear();
        self.numbers.clear();
    }

    /// Makes every send to or from `number` fail with `code`, until it is repaired.
    pub(crate) fn break_number(&self, number: &str, code: u32) {
        self.numbers.insert(number.to_owned(), code);
    }

    /// Ends that; whether the number was broken.
    pub(crate) fn repair_number(&self, number: &str) -> bool {
        self.numbers.remove(number).is_some()
    }

    /// The code a number fails with.
    pub(crate) fn broken(&self, number: &str) -> Option<u32> {
        if self.numbers.is_empty() {
            return None;
        }
        self.numbers.get(number).map(|code| *code)
    }
}
