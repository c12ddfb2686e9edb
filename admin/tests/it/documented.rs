//! What `docs/admin.md` shows works: every line of its `sh` blocks is run, in order, against one API.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::server::{SYSTEM_KEY, Server};

#[tokio::test]
async fn every_documented_line_works() {
    let server = Server::start().await;
    let (job, dead) = (server.job().await, server.dead("twilio_20429").await);
    let schedule = server.schedule().await;
    let program = PathBuf::from(env!("CARGO_BIN_EXE_patchbay-admin"));
    let folder = std::env::temp_dir().join(format!("patchbay-admin-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let lines = documented();
    assert!(lines.len() > 30, "{lines:?}");
    for line in lines {
        let output = Command::new("bash")
            .args(["--norc", "-euo", "pipefail", "-c", &line])
            .current_dir(&folder)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", program.parent().unwrap().display()))
            .env("PATCHBAY_URL", &server.url)
            .env("PATCHBAY_KEY", SYSTEM_KEY)
            .env("TENANT", server.tenant.to_string())
            .env("JOB", job.to_string())
            .env("DEAD", dead.to_string())
            .env("SCHEDULE", &schedule)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{told}");
    }
    fs::remove_dir_all(folder).unwrap();
}

fn documented() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/admin.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks = page.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}
