//! Looking again and again, in place.
//!
//! On a terminal each look is drawn over the one before, without the alternate screen: the last one stays when the
//! program ends. Elsewhere each is written below the other, and with `--json` each is one line.
//! Trouble that may pass is shown and waited out; a refusal ends it.

use std::{process::ExitCode, time::Duration};

use crate::{
    cli::Command,
    context::Context,
    failure::Failure,
    screen::{Painter, View},
};

/// Shows what `command` sees every so often, until Ctrl-C or until there is nothing more to see.
///
/// # Errors
/// As the command; the first look must succeed.
pub async fn watch(context: &Context, command: &Command, every: Duration) -> Result<ExitCode, Failure> {
    let mut painter = Painter::new(context);
    let mut last: Option<View> = None;
    loop {
        let look = tokio::select! {
            look = command.run(context) => look,
            _ = tokio::signal::ctrl_c() => return Ok(painter.end()),
        };
        match look {
            Ok(view) => {
                painter.paint(&view, every);
                if view.ended.is_some() {
                    painter.end();
                    return Ok(view.exit_code());
                }
                last = Some(view);
            }
            Err(failure) if failure.is_passing() && last.is_some() => painter.trouble(&failure, last.as_ref()),
            Err(failure) => {
                painter.end();
                return Err(failure);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = tokio::signal::ctrl_c() => return Ok(painter.end()),
        }
    }
}
