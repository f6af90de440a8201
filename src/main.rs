use std::process::ExitCode;

/// Frees memory sooner and in fewer steps than the system's own, which matters where answers are large.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(unix)]
    with_memory_given_back();
    prospectus::cli::main()
}

/// Begins once more, with the allocator told to give large blocks back to the system as soon as they are free: it keeps
/// them a second otherwise, and for good what a thread freed that has nothing to do since, so that a few large answers
/// in a row take twice the memory. The environment that a process begins with is the one place where it can be told
/// without unsafe code.
#[cfg(unix)]
fn with_memory_given_back() {
    use std::os::unix::process::CommandExt;
    const SETTING: &str = "MIMALLOC_ARENA_MAX_OBJECT_SIZE";
    const LARGE: &str = "1M";
    if std::env::var_os(SETTING).is_some() {
        return;
    }
    let Ok(binary) = std::env::current_exe() else { return };
    let mut again = std::process::Command::new(binary);
    let mut arguments = std::env::args_os();
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    // Comes back only where it fails, and all goes on as it is then.
    let _ = again.args(arguments).env(SETTING, LARGE).exec();
}
