//! The command line: a noun, then a verb.

use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::{
    commands::{
        autoscale::Autoscale, completion::Completion, dead::Dead, jobs::Jobs, lanes::Lanes, limits::Limits,
        plans::Plans, queues::Queues, schedules::Schedules, tenants::Tenants, workers::Workers,
    },
    context::Context,
    failure::Failure,
    options::Options,
    screen::View,
};

/// Between two looks where a command watches by itself.
const WATCHED_EVERY: Duration = Duration::from_secs(1);

const AFTER: &str = "Examples:
  export PATCHBAY_URL=https://api.example.com PATCHBAY_KEY=pb_sys_…
  patchbay-admin queues list --watch
  patchbay-admin queues pause sends --reason 'the provider is down' --until 2h
  patchbay-admin jobs why job_01h455vb4pex5vsknk084sn02q --tenant tnt_01h455vb4pex5vsknk084sn02q
  patchbay-admin dead redrive --error-code twilio_20429 --dry-run

The system key (pb_sys_…) sees the whole installation, and names a tenant with --tenant where a command is about one.
A tenant's key sees its own share. NO_COLOR is respected.

Exit codes: 0 done; 1 the API refused it; 2 the arguments are wrong, or nobody said yes; 3 the API cannot be reached;
4 the watched job ended and did not succeed.";

/// Looks after the queues of a Patchbay installation, through its API.
#[derive(Debug, Parser)]
#[command(name = "patchbay-admin", version, after_help = AFTER, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command takes.
    #[command(flatten)]
    pub options: Options,
}

/// What there is to look after.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Queues: what waits and runs in each, and stopping and starting them.
    #[command(subcommand)]
    Queues(Queues),
    /// Lanes: a tenant's share of a queue, by sender or other key.
    #[command(subcommand)]
    Lanes(Lanes),
    /// Limits: rates, concurrency, shares, hours and breakers, on whichever key.
    #[command(subcommand)]
    Limits(Limits),
    /// Plans: what tenants are worth in the queues.
    #[command(subcommand)]
    Plans(Plans),
    /// Tenants, and which of them fill a queue.
    #[command(subcommand)]
    Tenants(Tenants),
    /// Workers: the processes that run jobs.
    #[command(subcommand)]
    Workers(Workers),
    /// Jobs: where each stands and why it waits.
    #[command(subcommand)]
    Jobs(Jobs),
    /// Dead letters: jobs that gave up.
    #[command(subcommand)]
    Dead(Dead),
    /// Schedules: what happens at set times.
    #[command(subcommand)]
    Schedules(Schedules),
    /// The load of queues, for whoever decides how many workers there are.
    Autoscale(Autoscale),
    /// Completion for a shell, on standard output.
    Completion(Completion),
}

impl Command {
    /// Runs it once.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        match self {
            Self::Queues(queues) => queues.run(context).await,
            Self::Lanes(lanes) => lanes.run(context).await,
            Self::Limits(limits) => limits.run(context).await,
            Self::Plans(plans) => plans.run(context).await,
            Self::Tenants(tenants) => tenants.run(context).await,
            Self::Workers(workers) => workers.run(context).await,
            Self::Jobs(jobs) => jobs.run(context).await,
            Self::Dead(dead) => dead.run(context).await,
            Self::Schedules(schedules) => schedules.run(context).await,
            Self::Autoscale(autoscale) => autoscale.run(context).await,
            Self::Completion(_) => Err(Failure::Usage("completion needs no API".to_owned())),
        }
    }

    /// How often to run it; none for once.
    ///
    /// # Errors
    /// It changes something, and must not be repeated.
    pub fn every(&self, options: &Options) -> Result<Option<Duration>, Failure> {
        if let Self::Jobs(Jobs::Watch(_)) = self {
            return Ok(Some(options.watch.unwrap_or(WATCHED_EVERY)));
        }
        match options.watch {
            Some(_) if !self.is_look() => Err(Failure::Usage("--watch is for commands that only look".to_owned())),
            every => Ok(every),
        }
    }

    fn is_look(&self) -> bool {
        match self {
            Self::Queues(queues) => queues.is_look(),
            Self::Jobs(jobs) => jobs.is_look(),
            Self::Dead(dead) => dead.is_look(),
            Self::Schedules(schedules) => schedules.is_look(),
            Self::Limits(limits) => limits.is_look(),
            Self::Plans(plans) => plans.is_look(),
            Self::Tenants(tenants) => tenants.is_look(),
            Self::Autoscale(_) | Self::Lanes(_) | Self::Workers(_) => true,
            Self::Completion(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// The help of a command, and of those below it.
    fn help(command: &mut clap::Command, path: &str, out: &mut String) {
        out.push_str(&format!("$ {path} --help\n{}\n", command.render_long_help()));
        for below in command.get_subcommands_mut() {
            let path = format!("{path} {}", below.get_name());
            help(below, &path, out);
        }
    }

    #[test]
    fn help_says_what_it_said() {
        let mut command = Cli::command();
        command.build();
        let mut out = String::new();
        help(&mut command, "patchbay-admin", &mut out);
        insta::assert_snapshot!("help", out);
    }

    #[test]
    fn what_changes_something_is_never_repeated() {
        let parsed = |line: &str| Cli::try_parse_from(line.split(' ')).unwrap();
        for (line, wanted) in [
            ("x queues list --watch", Some(Duration::from_secs(2))),
            ("x queues list --watch=0.5", Some(Duration::from_millis(500))),
            ("x queues list", None),
            ("x jobs watch job_1", Some(WATCHED_EVERY)),
        ] {
            let cli = parsed(line);
            assert_eq!(cli.command.every(&cli.options).unwrap(), wanted, "{line}");
        }
        let cli = parsed("x queues resume sends --watch");
        assert!(cli.command.every(&cli.options).is_err());
    }
}
