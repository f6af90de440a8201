//! What the compiler must be told: what tests can run here, and that a release is stripped.
//!
//! Finds out whether what some tests need is installed, so that they can say that they were left out rather than pass
//! without having run: PostgreSQL's server, ONNX Runtime where `ORT_DYLIB_PATH` leads to it, and Chromium with its driver.
//! With `REQUIRE_POSTGRES`, `REQUIRE_ONNX_RUNTIME` and `REQUIRE_CHROMIUM` set, as in CI, their absence is an error.

use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rustc-check-cfg=cfg(has_postgres, has_onnx_runtime, has_chromium, has_faketime, has_prlimit)");
    println!("cargo::rerun-if-env-changed=ORT_DYLIB_PATH");
    println!("cargo::rerun-if-env-changed=REQUIRE_ONNX_RUNTIME");
    println!("cargo::rerun-if-env-changed=PATH");
    println!("cargo::rerun-if-env-changed=REQUIRE_POSTGRES");
    println!("cargo::rerun-if-env-changed=REQUIRE_CHROMIUM");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=/usr/lib/postgresql");
    // Cargo forgets `strip` for a package that its profile overrides by name, and we are one.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release")
        && std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux")
    {
        println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
    }
    match server_folder() {
        Some(folder) => {
            println!("cargo::rustc-cfg=has_postgres");
            println!("cargo::rustc-env=POSTGRES_BIN={}", folder.display());
        }
        None if std::env::var_os("REQUIRE_POSTGRES").is_some() => {
            println!(
                "cargo::error=REQUIRE_POSTGRES is set, but there is no `initdb` on the PATH or in /usr/lib/postgresql"
            );
        }
        None => {}
    }
    match std::env::var_os("ORT_DYLIB_PATH").filter(|path| Path::new(path).is_file()) {
        Some(_) => println!("cargo::rustc-cfg=has_onnx_runtime"),
        None if std::env::var_os("REQUIRE_ONNX_RUNTIME").is_some() => {
            println!("cargo::error=REQUIRE_ONNX_RUNTIME is set, but ORT_DYLIB_PATH does not lead to a file");
        }
        None => {}
    }
    for program in ["faketime", "prlimit"] {
        if is_installed(program) {
            println!("cargo::rustc-cfg=has_{program}");
        }
    }
    let browser = ["chromium", "chromium-browser", "google-chrome"].into_iter().any(is_installed);
    if browser && is_installed("chromedriver") {
        println!("cargo::rustc-cfg=has_chromium");
    } else if std::env::var_os("REQUIRE_CHROMIUM").is_some() {
        println!("cargo::error=REQUIRE_CHROMIUM is set, but a Chromium and its chromedriver are not both on the PATH");
    }
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
