//! `include_dir!` sees changed files, but not new ones: this makes Cargo look again.
fn main() {
    println!("cargo:rerun-if-changed=emails");
    println!("cargo:rerun-if-changed=migrations");
}
