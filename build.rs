//! Rebuilds the crate when a built-in model changes: the files below `queries/` become
//! part of the binary, which cargo cannot see.

fn main() {
    println!("cargo::rerun-if-changed=queries");
}
