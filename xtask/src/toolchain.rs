//! The wasm32 standard library: the installed one, else Debian's `rustc-web` with a std built once from
//! `rust-web-src`. See docs/adr/0003-toolchain-wasm32.md.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::site::content_hash;
use crate::workspace::{cargo, output, root, run, target_dir};

/// The target's name.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CLIPPY: &str = "/usr/bin/cargo-clippy";
/// `debian` takes that route although a target is installed: for testing it.
const FORCE: &str = "ROTA_WASM_ROUTE";
const PURE_CRATES: [&str; 3] = ["keyring", "engine", "api"];

/// How this machine compiles for wasm32.
pub(crate) enum Toolchain {
    /// The toolchain in use has the target.
    Installed,
    /// Debian's compiler with the std we built.
    Debian { sysroot: PathBuf, linker: PathBuf },
}

/// Chooses, and builds the standard library where it must be built.
pub(crate) fn prepare() -> Result<Toolchain> {
    let sysroot = PathBuf::from(output(
        Command::new("rustc")
            .args(["--print", "sysroot"])
            .current_dir(root()),
    )?);
    let forced = std::env::var(FORCE).is_ok_and(|route| route == "debian");
    if !forced && sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir() {
        return Ok(Toolchain::Installed);
    }
    if !Path::new(DEBIAN_RUSTC).is_file() {
        bail!(
            "no standard library for {TARGET}: run `rustup target add {TARGET}`, \
             or install Debian's rustc-web, rust-web-src and rust-web-clippy"
        );
    }
    let host = host_triple("rustc")?;
    let linker = sysroot.join("lib/rustlib").join(host).join("bin/rust-lld");
    if !linker.is_file() {
        bail!(
            "no rust-lld at {}: it comes with rustup's toolchains",
            linker.display()
        );
    }
    Ok(Toolchain::Debian {
        sysroot: build_std()?,
        linker,
    })
}

impl Toolchain {
    /// For people.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Installed => "the target of the toolchain in use".to_owned(),
            Self::Debian { sysroot, .. } => {
                format!(
                    "Debian's rustc-web with the standard library in {}",
                    sysroot.display()
                )
            }
        }
    }

    /// A cargo command that compiles for wasm32; add `--target` and what to build.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = cargo();
        self.set_environment(&mut command);
        command
    }

    /// Clippy on everything the browser gets, then a plain check that the pure crates compile where
    /// there is no clock, no file and no randomness.
    pub(crate) fn check(&self) -> Result<()> {
        let mut clippy = match self {
            Self::Installed => {
                let mut command = cargo();
                command.arg("clippy");
                command
            }
            Self::Debian { .. } => {
                let mut command = Command::new(DEBIAN_CLIPPY);
                command.arg("clippy").current_dir(root());
                self.set_environment(&mut command);
                command
            }
        };
        run(clippy.args([
            "--quiet",
            "--locked",
            "--package",
            "browser",
            "--target",
            TARGET,
            "--",
            "-Dwarnings",
        ]))?;
        let mut purity = self.cargo();
        purity.args(["check", "--quiet", "--locked", "--target", TARGET]);
        for pure_crate in PURE_CRATES {
            purity.args(["--package", pure_crate]);
        }
        run(&mut purity)
    }

    fn set_environment(&self, command: &mut Command) {
        if let Self::Debian { sysroot, linker } = self {
            command
                .env("RUSTC", DEBIAN_RUSTC)
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                .env(
                    "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
                    format!("--sysroot={}", sysroot.display()),
                );
        }
    }
}

/// Builds std for wasm32 from `rust-web-src`, once for each version of Debian's compiler.
fn build_std() -> Result<PathBuf> {
    let version = output(Command::new(DEBIAN_RUSTC).arg("--version"))?;
    // Cargo leaves the bitcode out of libraries; the browser profile's link-time optimisation needs it.
    let flags = "-Cembed-bitcode=yes";
    // A folder for each recipe: cargo sees by the path in its flags that what it built before is stale.
    let recipe = content_hash(&[version.as_bytes(), flags.as_bytes()]);
    let work = target_dir().join("wasm-std").join(recipe);
    let sysroot = work.join("sysroot");
    let complete = sysroot.join("complete");
    if complete.is_file() {
        return Ok(sysroot);
    }
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    println!("building the wasm32 standard library with {version}: about a minute, once");
    let source = work.join("empty");
    fs::create_dir_all(source.join("src"))?;
    fs::write(
        source.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n",
    )?;
    fs::write(source.join("src/lib.rs"), "#![no_std]\n")?;
    run(cargo()
        .current_dir(&source)
        .args([
            "build",
            "--release",
            "-Zbuild-std=std,panic_abort",
            "--target",
            TARGET,
        ])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", DEBIAN_RUSTC)
        .env("CARGO_TARGET_DIR", work.join("build")))
    .context("building std failed: are rustc-web and rust-web-src of one version?")?;
    let libraries = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    fs::create_dir_all(&libraries)?;
    for entry in fs::read_dir(work.join("build").join(TARGET).join("release/deps"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_owned();
        if path.extension().is_some_and(|extension| extension == "rlib")
            && !name.to_string_lossy().starts_with("libempty-")
        {
            fs::copy(&path, libraries.join(name))?;
        }
    }
    // Last, so that an interrupted build is not taken for a finished one.
    fs::write(&complete, version)?;
    Ok(sysroot)
}

fn host_triple(rustc: &str) -> Result<String> {
    let verbose = output(Command::new(rustc).arg("-vV").current_dir(root()))?;
    verbose
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .with_context(|| format!("`{rustc} -vV` names no host"))
}
