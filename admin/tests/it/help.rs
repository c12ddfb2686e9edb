//! Every command says what it does, with examples, without an API and without a key.

use crate::program::Program;

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn every_command_has_help_with_examples() {
    let (mut todo, mut seen) = (vec![String::new()], 0);
    while let Some(command) = todo.pop() {
        let help = Program::new(&format!("{command} --help")).done();
        assert!(help.contains("PATCHBAY_KEY") && help.contains("--json"), "{command}: {help}");
        let below = listed(&help);
        assert!(!below.is_empty() || help.contains("Examples:"), "{command}: {help}");
        todo.extend(below.iter().map(|name| format!("{command} {name}").trim().to_owned()));
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn wrong_arguments_end_with_2() {
    for line in
        ["", "queues", "queues fly", "jobs list --status flying", "jobs list --limit 0", "dead redrive --limit 2000"]
    {
        assert_eq!(Program::new(line).env("PATCHBAY_KEY", "k").run().code, Some(2), "{line}");
    }
    let unsure = Program::new("dead discard").env("PATCHBAY_KEY", "k").run();
    assert!(unsure.code == Some(2) && unsure.err.contains("which?"), "{unsure:?}");
    let changing = Program::new("queues resume sends --watch").env("PATCHBAY_KEY", "k").run();
    assert!(changing.code == Some(2) && changing.err.contains("only look"), "{changing:?}");
}
