//! The way to do something to many dead letters: count, ask, do it at once or by a job.

use super::selection::Selection;
use crate::{
    answer::Answer,
    client::types::{DeadLetterJobCreate, DeadLetterResult, DeadLetterSelection, Job},
    confirm::confirm,
    context::Context,
    failure::Failure,
    screen::{View, words},
};

/// A deed, how it is spoken of, and how it is done.
pub struct Deed<AtOnce, ByJob> {
    /// `Redrive`.
    pub ask: &'static str,
    /// `redriven`.
    pub done: &'static str,
    /// Does it, up to 1,000.
    pub at_once: AtOnce,
    /// Has it done.
    pub by_job: ByJob,
}

impl<AtOnce, ByJob> Deed<AtOnce, ByJob>
where
    AtOnce: AsyncFn(DeadLetterSelection) -> Result<Answer<DeadLetterResult>, Failure>,
    ByJob: AsyncFn(DeadLetterJobCreate) -> Result<Answer<Job>, Failure>,
{
    /// Counts those that match, asks, and does it.
    ///
    /// # Errors
    /// Nobody said yes; or as any call of the API.
    pub async fn carry_out(&self, context: &Context, selection: &Selection) -> Result<View, Failure> {
        let count = if selection.is_by_match()? {
            let counted = selection.matching.count(context).await?;
            let matched = words::at_least(counted.read.count, counted.read.at_least);
            let taken = counted.read.count.min(u64::from(selection.limit));
            let text = if taken < counted.read.count {
                format!("{matched} match; {} of them would be {}.", words::count(taken), self.done)
            } else {
                format!("{matched} would be {}.", self.done)
            };
            if selection.dry_run || taken == 0 {
                return Ok(View::new(counted.json, text));
            }
            words::count(taken)
        } else if selection.dry_run {
            let counted = (self.at_once)(selection.at_once(context, true)).await?;
            return Ok(self.view(counted, "would be "));
        } else {
            selection.ids.len().to_string()
        };
        let what = if count == "1" { "dead letter" } else { "dead letters" };
        let whose = if context.sees_all() { " of all tenants" } else { "" };
        confirm(context, &format!("{} {count} {what}{whose}?", self.ask))?;
        if selection.is_a_jobs_work() {
            return Ok(by_job((self.by_job)(selection.of_a_job(context)).await?));
        }
        Ok(self.view((self.at_once)(selection.at_once(context, false)).await?, ""))
    }

    fn view(&self, answer: Answer<DeadLetterResult>, would_be: &str) -> View {
        let DeadLetterResult { count, skipped, has_more, .. } = answer.read;
        let mut text = format!("{} {would_be}{}.", words::count(count), self.done);
        if !skipped.is_empty() {
            text.push_str(&format!("\nNo dead letters (any more): {}", skipped.join(", ")));
        }
        let note = has_more.then(|| "More match than --limit: run it again for the next.".to_owned());
        View::new(answer.json, text).with_note(note)
    }
}

fn by_job(answer: Answer<Job>) -> View {
    let Job { id, progress, tenant_id, .. } = answer.read;
    let text = format!("{id} works through {}.", words::count(progress.total));
    let note = format!("Follow it with `jobs watch {id} --tenant {tenant_id}`, stop it with `jobs cancel`.");
    View::new(answer.json, text).with_note(Some(note))
}
