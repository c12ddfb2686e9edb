//! Completion scripts, for the shells that people use.

use std::process::Command;

use crate::program::Program;

#[test]
fn there_is_a_script_for_each_shell() {
    for (shell, start) in
        [("bash", "_patchbay__admin()"), ("zsh", "#compdef patchbay-admin"), ("fish", "complete -c patchbay-admin")]
    {
        let script = Program::new(&format!("completion {shell}")).done();
        assert!(script.contains(start), "{shell}: {script}");
        for word in ["redrive", "error-class", "retryable", "no-such"] {
            assert_eq!(script.contains(word), word != "no-such", "{shell}: {word}");
        }
    }
}

#[test]
fn bash_takes_the_script() {
    let script = Program::new("completion bash").done();
    let check = format!("{script}\ncomplete -p patchbay-admin");
    let output = Command::new("bash").args(["--norc", "-c", &check]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("_patchbay__admin"));
}
