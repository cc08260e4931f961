//! The `regimen` program.
fn main() -> std::process::ExitCode {
    regimen::cli::main()
}
