//! What a person sees: the tables on stdout, everything said on the way on stderr, so that `--json` stays clean.

/// A line about what goes on now.
#[expect(clippy::print_stderr, reason = "the one place that talks to a person")]
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// What went wrong.
pub fn error(text: &str) {
    note(&format!("error: {text}"));
}

/// A result.
#[expect(clippy::print_stdout, reason = "the one place that prints results")]
pub fn result(text: &str) {
    println!("{text}");
}
