//! `cargo xtask bundle`: wasm32 build, wasm-bindgen, styles, names by content, compression.
//! Every step whose input is unchanged is left out.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::css;
use crate::site::{Manifest, Site, content_hash};
use crate::toolchain::{self, TARGET};
use crate::workspace::{root, run, site_dir, target_dir};

const PROFILE: &str = "browser";
/// Part of the stamp: raise it when the steps below change what they make of the same input.
const RECIPE: &str = "3";

/// Builds the whole bundle into `target/site`.
pub(crate) fn build() -> Result<()> {
    let compiled = compile()?;
    let work = target_dir().join("bundle");
    let stamp = content_hash(&[RECIPE.as_bytes(), &fs::read(&compiled)?]);
    let stamp_path = work.join("stamp");
    if fs::read_to_string(&stamp_path).ok().as_deref() != Some(&stamp) {
        bind(&compiled, &work)?;
        fs::write(&stamp_path, &stamp)?;
    }
    println!("{}", publish(&work)?);
    Ok(())
}

fn compile() -> Result<PathBuf> {
    let toolchain = toolchain::prepare()?;
    run(toolchain.cargo().args([
        "build",
        "--locked",
        "--package",
        "browser",
        "--profile",
        PROFILE,
        "--target",
        TARGET,
    ]))
    .context("building the pages for the browser")?;
    Ok(target_dir().join(TARGET).join(PROFILE).join("browser.wasm"))
}

/// Writes `bound/browser.js`, `bound/browser_bg.wasm` and any script snippets of the crates used.
fn bind(compiled: &Path, work: &Path) -> Result<()> {
    let bound = work.join("bound");
    if bound.exists() {
        fs::remove_dir_all(&bound)?;
    }
    fs::create_dir_all(&bound)?;
    Bindgen::new()
        .input_path(compiled)
        .out_name("browser")
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        // The page says where the wasm is: its name carries a hash that the script cannot know.
        .omit_default_module_path(true)
        .generate(&bound)
        .context("wasm-bindgen")
}

fn publish(work: &Path) -> Result<String> {
    let script = fs::read(work.join("bound/browser.js"))?;
    // Not through wasm-opt: it saved 2 kB of 76, and Debian's (108) confuses the two tables of a module with reference types, so
    // that browsers refuse the result.
    let wasm = fs::read(work.join("bound/browser_bg.wasm"))?;
    let sheet = css::concatenate(&root().join("style"))?;
    // One stem for both, as leptos expects: `<output_name>.js` and `<output_name>_bg.wasm`.
    let output_name = format!("rota-{}", content_hash(&[&script, &wasm]));
    let manifest = Manifest {
        css: format!("/pkg/rota-{}.css", content_hash(&[sheet.as_bytes()])),
        js: format!("/pkg/{output_name}.js"),
        wasm: format!("/pkg/{output_name}_bg.wasm"),
        output_name,
    };
    let mut site = Site::open(site_dir())?;
    site.add(&manifest.css[1..], sheet.as_bytes())?;
    site.add(&manifest.js[1..], &script)?;
    site.add(&manifest.wasm[1..], &wasm)?;
    add_folder(&mut site, &work.join("bound/snippets"), "pkg/snippets")?;
    add_folder(&mut site, &root().join("public"), "")?;
    site.finish(&manifest)
}

/// Adds a folder's files, if there is such a folder, under `prefix`.
fn add_folder(site: &mut Site, folder: &Path, prefix: &str) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let address = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}/{name}")
        };
        if path.is_dir() {
            add_folder(site, &path, &address)?;
        } else {
            site.add(&address, &fs::read(&path)?)?;
        }
    }
    Ok(())
}
