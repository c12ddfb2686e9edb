//! Makes the client out of `openapi/openapi.json`, so that the two cannot say different things.
//!
//! progenitor reads OpenAPI 3.0 and our document is 3.1, so it is first narrowed to what the program uses
//! ([`narrow`]) and then put in the older words ([`lower`]). The result is compiled as `client::generated`.
//! Rejected: checking generated code in (a second truth), and generating the whole API (five times the compile time for
//! operations that no command calls).
//! It is broken by a removed or renamed operation or field: then a command does not compile, which is the point.

mod lower;
mod narrow;
mod words;

use std::{env, error::Error, fs, path::Path};

use progenitor::{GenerationSettings, Generator, InterfaceStyle};
use serde_json::Value;

/// From this crate's folder.
const DOCUMENT: &str = "../openapi/openapi.json";

fn main() -> Result<(), Box<dyn Error>> {
    for file in [DOCUMENT, "build"] {
        announce(&format!("cargo:rerun-if-changed={file}"));
    }
    let document: Value = serde_json::from_str(&fs::read_to_string(DOCUMENT)?)?;
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("words.rs"), words::write(&document)?)?;

    let mut narrowed = narrow::narrow(&document)?;
    lower::lower(&mut narrowed);
    let mut settings = GenerationSettings::default();
    settings.with_interface(InterfaceStyle::Builder).with_inner_type("crate::client::Kept".parse()?);
    let code = Generator::new(&settings).generate_tokens(&serde_json::from_value(narrowed)?)?;
    // One line of 200,000 characters would be a message of the compiler, too: an item a line is enough for reading it.
    let code = code.to_string().replace(" # [doc", "\n# [doc").replace(" pub ", "\npub ");
    fs::write(Path::new(&out).join("client.rs"), code)?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is how a build script talks to cargo")]
fn announce(line: &str) {
    println!("{line}");
}
