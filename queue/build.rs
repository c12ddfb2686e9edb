//! The migrations are compiled in; a new folder under `sql/` has to be noticed.

fn main() {
    println!("cargo::rerun-if-changed=sql");
}
