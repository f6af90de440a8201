use std::process::ExitCode;

/// Frees memory sooner and in fewer steps than the system's own, which matters where answers are large.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    prospectus::cli::main()
}
