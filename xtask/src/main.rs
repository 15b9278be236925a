//! Build steps that cargo alone cannot take: `cargo xtask bundle` and `cargo xtask check-wasm`.

mod bundle;
mod compress;
mod css;
mod site;
mod toolchain;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "usage: cargo xtask <command>

  bundle        build the browser's half (wasm, script, styles) into target/site
  check-wasm    clippy for wasm32 with warnings denied, and proof that the pure crates are pure
  wasm-target   say which wasm32 standard library is used, and prepare it";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["bundle"] => bundle::build(),
        ["check-wasm"] => toolchain::prepare()?.check(),
        ["wasm-target"] => {
            println!("wasm32: {}", toolchain::prepare()?.describe());
            Ok(())
        }
        _ => bail!("{USAGE}"),
    }
}
