//! `schedules`: what happens at set times.

mod list;
mod next;
mod pause;
mod resume;
mod run;
mod show;

use clap::Subcommand;

use crate::{
    answer::Answer, client::types::Schedule, commands::given, context::Context, failure::Failure, screen::View,
};

/// What can be done with schedules.
#[derive(Debug, Subcommand)]
pub enum Schedules {
    /// Schedules, newest first; for the system key those of all tenants and the program's own.
    List(list::List),
    /// One schedule.
    Show(show::Show),
    /// When a schedule ticks next, five times.
    Next(next::Next),
    /// Stops a schedule.
    Pause(pause::Pause),
    /// Lets a paused schedule tick again, from now on.
    Resume(resume::Resume),
    /// Runs a schedule once, now.
    Run(run::Run),
}

impl Schedules {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::Next(next) => next.run(context).await,
            Self::Pause(pause) => pause.run(context).await,
            Self::Resume(resume) => resume.run(context).await,
            Self::Run(run) => run.run(context).await,
        }
    }

    /// Whether it only looks.
    pub fn is_look(&self) -> bool {
        matches!(self, Self::List(_) | Self::Show(_) | Self::Next(_))
    }
}

/// Asks for a schedule.
async fn get(context: &Context, id: &str) -> Result<Answer<Schedule>, Failure> {
    let call = given!(context.client.schedules_get().id(id), tenant_id: context.tenant);
    context.answered(call.send().await)
}
