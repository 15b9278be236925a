//! The one binary: see `rota --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::commands::run_command_line()
}
