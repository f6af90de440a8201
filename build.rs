//! What the compiler must be told: what tests can run here, and that a release is stripped. And the largest files that the
//! binary carries, deflated.
//!
//! Finds out whether what some tests need is installed, so that they can say that they were left out rather than pass
//! without having run. With `REQUIRE_` and a tool's name set, as in CI, its absence is an error.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The demo's prices, GraphiQL and the reports' fonts: seven megabytes, inflated when they are first asked for.
const DEFLATED: [&str; 3] = ["samples/alpha_vantage", "src/http/console/graphiql", "src/report/fonts"];

fn main() -> io::Result<()> {
    for variable in ["PATH", "ORT_DYLIB_PATH", "PYTHON"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=/usr/lib/postgresql");
    println!("cargo::rerun-if-env-changed=KEEP_SYMBOLS");
    // Not by the profile: what macros share with the program would have other settings for them, and be compiled twice.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release")
        && std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux")
        && std::env::var_os("KEEP_SYMBOLS").is_none()
    {
        println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
    }
    if has_relr() {
        // A list of addresses to relocate as a bitmap: a twentieth of the binary less.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    if links_with_lld() {
        // Functions of the same code are one: generic code in Rust has many.
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
    let server = server_folder();
    if let Some(folder) = &server {
        println!("cargo::rustc-env=POSTGRES_BIN={}", folder.display());
    }
    tell("postgres", server.is_some(), "there is no `initdb` on the PATH or in /usr/lib/postgresql");
    let library = std::env::var_os("ORT_DYLIB_PATH").is_some_and(|path| Path::new(&path).is_file());
    tell("onnx_runtime", library, "ORT_DYLIB_PATH does not lead to a file");
    let browser = ["chromium", "chromium-browser", "google-chrome"].into_iter().any(is_installed);
    let browser = browser && is_installed("chromedriver");
    tell("chromium", browser, "a Chromium and its chromedriver are not both on the PATH");
    for program in ["faketime", "pdftotext", "prlimit", "promtool"] {
        tell(program, is_installed(program), "it is not on the PATH");
    }
    tell("notebook_tools", reads_tables(), "the Python of PYTHON, or python3, has no pandas, polars and pyarrow");
    DEFLATED.iter().try_for_each(|folder| deflate(Path::new(folder)))
}

/// Puts a folder's files where `include_bytes` finds them, each with `.gz` after its name.
fn deflate(folder: &Path) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    if !folder.is_dir() {
        // The container's build compiles the dependencies before it has them.
        return Ok(());
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    for file in fs::read_dir(folder)? {
        let file = file?;
        let mut name = file.file_name();
        name.push(".gz");
        let mut deflated = GzEncoder::new(File::create(out.join(name))?, Compression::best());
        io::copy(&mut File::open(file.path())?, &mut deflated)?;
        deflated.finish()?;
    }
    Ok(())
}

/// Tells the compiler whether what some tests need is here.
fn tell(tool: &str, is_here: bool, why_not: &str) {
    let require = format!("REQUIRE_{}", tool.to_uppercase());
    println!("cargo::rustc-check-cfg=cfg(has_{tool})");
    println!("cargo::rerun-if-env-changed={require}");
    if is_here {
        println!("cargo::rustc-cfg=has_{tool}");
    } else if std::env::var_os(&require).is_some() {
        println!("cargo::error={require} is set, but {why_not}");
    }
}

/// Whether Python has what notebooks read tables with.
fn reads_tables() -> bool {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let look = "import sys, importlib.util as u; sys.exit(None in map(u.find_spec, ['pandas', 'polars', 'pyarrow']))";
    Command::new(python).args(["-c", look]).status().is_ok_and(|status| status.success())
}

/// Whether the C library here, with which the binary is to run, reads packed relocations: glibc does since 2.36.
fn has_relr() -> bool {
    let told = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let version = told.ok().and_then(|told| String::from_utf8(told.stdout).ok()).unwrap_or_default();
    let minor = version.trim().strip_prefix("glibc 2.").and_then(|minor| minor.split('.').next()?.parse().ok());
    minor.is_some_and(|minor: u32| minor >= 36)
}

/// Whether a release is linked by LLD, which is what the compiler brings along for this target, and is used unless somebody names
/// another linker.
fn links_with_lld() -> bool {
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let own = std::env::var_os("RUSTC_LINKER").is_none() && !flags.contains("link");
    own && is("PROFILE", "release")
        && is("TARGET", "x86_64-unknown-linux-gnu")
        && is("HOST", "x86_64-unknown-linux-gnu")
}

/// Whether a program is on the PATH.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Where `initdb`, `postgres` and `psql` lie together: where the one on the PATH leads to, or where Debian puts them.
fn server_folder() -> Option<PathBuf> {
    let is_whole = |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).is_file());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .filter_map(|folder| std::fs::canonicalize(folder.join("initdb")).ok()?.parent().map(Path::to_path_buf));
    let of_debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    on_path.chain(of_debian.map(|version| version.path().join("bin"))).find(is_whole)
}
