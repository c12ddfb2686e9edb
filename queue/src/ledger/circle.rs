//! Circles: jobs of a batch that would wait for each other for ever.
//!
//! Only jobs that are accepted together can name each other: one that was there before waits for none that comes now,
//! as a job that names another which is not there waits for nothing. So the batch alone tells, and is asked before
//! anything is written. What is refused is what the batch says, whatever its unique keys would make of it.
//! A circle through a group is not seen: members may come at any time, so no batch tells.
//! Rejected: a walk over the ties in the ledger (statements for what cannot be there).

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use uuid::Uuid;

use crate::{Conflict, NewJob};

/// Jobs of a batch that would wait for each other for ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} jobs of the batch wait for each other in a circle, among them {}", .jobs.len(), some(.jobs))]
pub struct Circle {
    /// Their ids: each waits for the next, and the last for the first.
    pub jobs: Vec<Uuid>,
}

/// As many ids as fit a sentence.
fn some(jobs: &[Uuid]) -> String {
    let jobs: Vec<String> = jobs.iter().take(3).map(Uuid::to_string).collect();
    jobs.join(", ")
}

/// Whether the batch can be accepted, as far as its jobs wait for each other.
///
/// # Errors
/// A circle among them.
pub(crate) fn check(jobs: &[NewJob]) -> Result<(), Circle> {
    // Whom jobs wait for by an order or a key comes before them: without a name there is no way back.
    if jobs.iter().all(|job| job.flow.as_ref().is_none_or(|flow| flow.after.is_empty())) {
        return Ok(());
    }
    let mut waits = named(jobs);
    if waits.iter().all(Vec::is_empty) {
        return Ok(());
    }
    follow_those_before(jobs, &mut waits);
    let circle = find(&waits).map(|places| Circle { jobs: places.into_iter().map(|place| jobs[place].id).collect() });
    circle.map_or(Ok(()), Err)
}

/// For each job the places of those that it names.
fn named(jobs: &[NewJob]) -> Vec<Vec<usize>> {
    let places: HashMap<_, usize> = jobs.iter().enumerate().map(|(n, job)| ((job.tenant_id, job.id), n)).collect();
    let of = |(n, job): (usize, &NewJob)| {
        let after = job.flow.iter().flat_map(|flow| &flow.after).filter(|after| !after.group);
        let on = after.filter_map(|after| places.get(&(job.tenant_id, after.on)).copied());
        on.filter(|on| *on != n).collect()
    };
    jobs.iter().enumerate().map(of).collect()
}

/// Adds those that jobs follow in a strict order, or as the last of a unique key.
fn follow_those_before(jobs: &[NewJob], waits: &mut [Vec<usize>]) {
    let (mut tails, mut holders) = (HashMap::new(), HashMap::new());
    for (n, job) in jobs.iter().enumerate() {
        if let Some(key) = job.flow.as_ref().and_then(|flow| flow.order.as_deref()) {
            waits[n].extend(tails.insert((job.tenant_id, key), n));
        }
        let Some(key) = job.unique_key.as_deref() else { continue };
        match holders.entry((job.tenant_id, job.kind.as_str(), key)) {
            Entry::Vacant(free) => drop(free.insert(n)),
            Entry::Occupied(holder) => {
                let keep_last = job.flow.as_ref().is_some_and(|flow| flow.conflict == Conflict::KeepLast);
                waits[n].extend(keep_last.then_some(*holder.get()));
            }
        }
    }
}

/// Goes from each job to those that it waits for, to each once, until it comes to one that is on the way already.
fn find(waits: &[Vec<usize>]) -> Option<Vec<usize>> {
    let (mut seen, mut on_way) = (vec![false; waits.len()], vec![false; waits.len()]);
    for start in 0..waits.len() {
        let mut way = Vec::new();
        let mut come_to = Some(start).filter(|start| !seen[*start]);
        loop {
            if let Some(job) = come_to.take() {
                (seen[job], on_way[job]) = (true, true);
                way.push((job, waits[job].iter()));
            }
            let Some((job, rest)) = way.last_mut() else { break };
            match rest.next() {
                Some(&next) if on_way[next] => {
                    return Some(way.into_iter().map(|(job, _)| job).skip_while(|job| *job != next).collect());
                }
                Some(&next) => come_to = Some(next).filter(|next| !seen[*next]),
                None => {
                    on_way[*job] = false;
                    way.pop();
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_is_found_wherever_it_begins_and_two_ways_to_the_same_are_none() {
        assert_eq!(find(&[vec![1, 2], vec![3], vec![3], vec![]]), None);
        assert_eq!(find(&[vec![1], vec![2], vec![3], vec![1]]), Some(vec![1, 2, 3]));
        assert_eq!(find(&[vec![], vec![0, 2], vec![0, 1]]), Some(vec![1, 2]));
    }

    #[test]
    fn a_long_chain_is_walked_in_a_moment() {
        let mut chain: Vec<Vec<usize>> = (1..100_000).map(|next| vec![next; 3]).collect();
        chain.push(Vec::new());
        assert_eq!(find(&chain), None);
        chain[99_999].push(0);
        assert_eq!(find(&chain).map(|circle| circle.len()), Some(100_000));
    }
}
