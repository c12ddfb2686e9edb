//! The migrations are compiled in; a new folder under `sql/` has to be noticed.
#![expect(clippy::print_stdout, reason = "this is how a build script talks to cargo")]

fn main() {
    println!("cargo::rerun-if-changed=sql");
}
