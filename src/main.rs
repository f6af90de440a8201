use std::process::ExitCode;

/// Frees memory sooner and in fewer steps than the system's own, which matters where answers are large.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(unix)]
    with_memory_given_back();
    prospectus::cli::main()
}

/// Begins once more, with both allocators told to give memory back; nothing is asked of who starts the process. Ours keeps
/// large blocks a second after they are free, and for good what a thread freed that has nothing to do since, so that a few
/// large answers in a row take twice the memory. The system's, which SQLite uses, keeps a heap for each thread. The environment
/// that a process begins with is the one place where they can be told without unsafe code.
#[cfg(unix)]
fn with_memory_given_back() {
    use std::os::unix::process::CommandExt;
    const SETTINGS: [(&str, &str); 2] = [("MIMALLOC_ARENA_MAX_OBJECT_SIZE", "1M"), ("MALLOC_ARENA_MAX", "2")];
    let missing = || SETTINGS.into_iter().filter(|(name, _)| std::env::var_os(name).is_none());
    if missing().next().is_none() {
        return;
    }
    let Ok(binary) = std::env::current_exe() else { return };
    let mut again = std::process::Command::new(binary);
    let mut arguments = std::env::args_os();
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    // Comes back only where it fails, and all goes on as it is then.
    let _ = again.args(arguments).envs(missing()).exec();
}
