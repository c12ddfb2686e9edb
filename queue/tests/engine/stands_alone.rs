//! The engine knows nothing of the product around it, and could be published alone.

use std::path::{Path, PathBuf};

/// Words of the product's trade. (A "message" is also what an error says, and to "lead" is what a keeper does.)
const TRADE: &[&str] = &[
    "campaign",
    "contact",
    "conversation",
    "crm",
    "email",
    "inbox",
    "invoice",
    "messages.",
    "opt_out",
    "phone",
    "recipient",
    "sms",
    "template",
    "twilio",
];

fn files(of: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(of).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn no_line_of_it_speaks_of_the_trade() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = vec![root.join("README.md"), root.join("Cargo.toml")];
    for folder in ["src", "sql", "examples"] {
        files(&root.join(folder), &mut all);
    }
    assert!(all.len() > 100, "only {} files were found", all.len());
    for path in all {
        let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
        for (nth, line) in text.lines().enumerate() {
            let spoken = TRADE.iter().find(|word| line.contains(**word));
            assert_eq!(spoken, None, "{}:{}: {line}", path.display(), nth + 1);
        }
    }
}
