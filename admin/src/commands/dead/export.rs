//! `dead export`: a file of all that match, written as it arrives.

use std::{
    fs::OpenOptions,
    io::{BufWriter, Write, stdout},
    path::PathBuf,
};

use clap::{Args, builder::PossibleValuesParser};
use progenitor_client::ClientInfo as _;
use serde_json::Value;

use super::matching::{Matching, matching};
use crate::{client::words::EXPORT_FORMAT, commands::given, context::Context, failure::Failure, screen::View};

const AFTER: &str = "Examples:
  patchbay-admin dead export --since 7d > dead.jsonl
  patchbay-admin dead export --format csv --output dead.csv";

/// Writes dead letters to a file or to standard output.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Export {
    #[command(flatten)]
    matching: Matching,
    /// A JSON object a line with its attempts, or a spreadsheet without them.
    #[arg(long, default_value = "jsonl", value_parser = PossibleValuesParser::new(EXPORT_FORMAT))]
    format: String,
    /// To this file, which must not be there yet (with --yes it may); to standard output where it is left out.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    /// Runs it.
    ///
    /// # Errors
    /// The file cannot be written, or the answer broke off; or as any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let call = context.client.dead_letters_export().format(&self.format);
        let answer = context.answered(matching!(call, self.matching, context).send().await)?;
        // Only now, so that a refusal leaves no empty file.
        let mut out = BufWriter::new(self.out(context)?);
        let failed = |error: &dyn std::fmt::Display| Failure::Strange(format!("cannot write the file: {error}"));
        let mut chunks = answer.read.into_inner();
        while let Some(chunk) = std::future::poll_fn(|task| chunks.as_mut().poll_next(task)).await {
            let chunk = chunk.map_err(|error| Failure::unreachable(context.client.baseurl(), &error))?;
            match out.write_all(&chunk) {
                // Somebody read enough of it (`| head`).
                Err(error) if self.output.is_none() && error.kind() == std::io::ErrorKind::BrokenPipe => break,
                written => written.map_err(|error| failed(&error))?,
            }
        }
        let _ = out.flush();
        let note = self.output.as_ref().map(|path| format!("Written to {}.", path.display()));
        Ok(View::new(Value::Null, String::new()).with_note(note))
    }

    fn out(&self, context: &Context) -> Result<Box<dyn Write>, Failure> {
        let Some(path) = &self.output else { return Ok(Box::new(stdout().lock())) };
        let mut options = OpenOptions::new();
        options.write(true);
        if context.yes {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        match options.open(path) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(Failure::Usage(format!("{}: {error}", path.display()))),
        }
    }
}
