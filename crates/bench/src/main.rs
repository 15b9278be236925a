//! Measures what the goals name, against the release build: `make bench`, or one section at a time by
//! `cargo run --release -p bench -- rollback`. Each number is printed with its goal; a goal missed is exit code 1.

mod dice;
mod figures;
mod first_page;
mod fleet;
mod journeys;
mod key_kills;
mod keyring_library;
mod load;
mod machine;
mod noise;
mod one_of_twenty;
mod operations;
mod orders;
mod process;
mod reencryption;
mod rollback;
mod scale;
mod server;
mod silence;
mod tasks;
mod world;

use std::process::ExitCode;

use anyhow::Result;
use tokio::time::Instant;

use figures::Figures;

/// In the order in which they run.
const SECTIONS: [&str; 13] = [
    "rollback",
    "noise",
    "one-of-twenty",
    "silence",
    "first-page",
    "keyring",
    "operations",
    "reencryption",
    "key-kills",
    "nonces",
    "mover-kills",
    "torn",
    "kills",
];

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut chosen: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = chosen.iter().find(|name| !SECTIONS.contains(&name.as_str())) {
        eprintln!(
            "there is no section `{unknown}`; there are {}",
            SECTIONS.join(", ")
        );
        return Ok(ExitCode::from(2));
    }
    if chosen.is_empty() {
        chosen = SECTIONS.map(str::to_owned).to_vec();
    }
    // A second installation is refused and changes nothing.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    println!("machine: {}", machine::describe()?);
    let mut figures = Figures::default();
    for section in &chosen {
        let began = Instant::now();
        let measured = measure(section, &mut figures).await;
        if let Err(error) = measured {
            let section = SECTIONS
                .into_iter()
                .find(|name| name == section)
                .unwrap_or_default();
            figures.goal(section, format!("did not finish: {error:#}"), false);
        }
        println!("{section:<14} took {:.0} s\n", began.elapsed().as_secs_f64());
    }
    Ok(if figures.close() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn measure(section: &str, figures: &mut Figures) -> Result<()> {
    match section {
        "rollback" => rollback::measure(figures).await,
        "noise" => noise::measure(figures).await,
        "one-of-twenty" => one_of_twenty::measure(figures).await,
        "silence" => silence::measure(figures).await,
        "first-page" => first_page::measure(figures).await,
        "keyring" => keyring_library::measure(figures).await,
        "operations" => operations::measure(figures).await,
        "reencryption" => reencryption::measure(figures).await,
        "key-kills" => key_kills::measure(figures).await,
        "nonces" => journeys::nonces(figures).await,
        "mover-kills" => journeys::mover_kills(figures).await,
        "torn" => journeys::torn(figures).await,
        _ => journeys::kills(figures).await,
    }
}
