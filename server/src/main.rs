//! The one binary: see `rota --help`.

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// Whatever is freed is wiped: copies that libraries make of secrets do not outlive their use.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    server::commands::run_command_line()
}
