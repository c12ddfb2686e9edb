//! `openapi.json` against the OpenAPI 3.1 specification, read by somebody else's validator.
//!
//! Our own tests say what we want of each operation; that the whole is valid 3.1 (poem-openapi writes
//! 3.0, and we raise it) is for a reader to say that shares no code and no misunderstanding with us.

use anyhow::Result;
use tokio::process::Command;

use super::Pass;
use super::python::Tool;
use crate::cargo::output;
use crate::dev;

const TOOL: Tool = Tool { name: "openapi-spec-validator", version: "0.7.2" };

/// The checked-in document is valid.
pub async fn check() -> Result<Pass> {
    let program = match TOOL.installed().await {
        Ok(program) => program,
        Err(why) => return Ok(Pass::LeftOut(format!("{why:#}"))),
    };
    output(Command::new(program).args(["--schema", "3.1"]).arg(dev::root().join("openapi/openapi.json"))).await?;
    Ok(Pass::Whole)
}
