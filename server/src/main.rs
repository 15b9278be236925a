//! The one binary: see `rota --help`.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use zeroizing_alloc::ZeroAlloc;

/// Whatever is freed is wiped: copies that libraries make of secrets do not outlive their use. Threads that free what
/// another allocated do not wait for each other, as they do in glibc's arenas (ADR 14).
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

fn main() -> ExitCode {
    server::commands::run_command_line()
}
