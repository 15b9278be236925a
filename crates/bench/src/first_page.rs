//! What a browser fetches for the first page, by brotli, from the running server.

use std::collections::BTreeSet;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use reqwest::header;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::figures::Figures;
use crate::server::Server;

const SECTION: &str = "first-page";
const GOAL: usize = 170_000;

/// Measures it.
pub async fn measure(figures: &mut Figures) -> Result<()> {
    let server = Server::start().await?;
    let cookie = sign_in(&server).await?;
    let (page, page_size, how) = fetch_page(&server, &cookie).await?;
    let mut total = page_size;
    let mut parts = vec![format!("page {page_size} ({how})")];
    let linked = linked(&page);
    for address in &linked {
        let size = fetched_size(&server, address).await?;
        total += size;
        parts.push(format!(
            "{} {size}",
            address.rsplit('.').next().unwrap_or_default()
        ));
    }
    let has_wasm = linked.iter().any(|address| address.ends_with(".wasm"));
    figures.goal(
        SECTION,
        format!(
            "overview with all it links to: {total} bytes by brotli (goal {GOAL}): {}",
            parts.join(", ")
        ),
        total <= GOAL && has_wasm,
    );
    Ok(())
}

/// By the link that an administrator is given.
async fn sign_in(server: &Server) -> Result<String> {
    let link = server.run(&["admin", "sign-in-link"]).await?;
    let request = server.http.post(link.trim()).header(header::ORIGIN, &server.url);
    let response = request.header(header::CONTENT_LENGTH, 0).send().await?;
    let cookie = response
        .headers()
        .get(header::SET_COOKIE)
        .context("signing in sets a cookie")?
        .to_str()?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

/// The page's text, its size on the wire, and by whom it was compressed.
async fn fetch_page(server: &Server, cookie: &str) -> Result<(String, usize, &'static str)> {
    let get = |encoding: &'static str| {
        let request = server
            .http
            .get(format!("{}/", server.url))
            .header(header::COOKIE, cookie);
        request
            .header(header::ACCEPT_ENCODING, encoding)
            .header(header::ACCEPT, "text/html")
            .send()
    };
    let plain = get("identity").await?;
    ensure!(
        plain.status().is_success(),
        "the overview answers {}",
        plain.status()
    );
    let page = plain.text().await?;
    let offered = get("br").await?;
    if offered
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| encoding == "br")
    {
        let size = offered.bytes().await?.len();
        return Ok((page, size, "as the server sends it"));
    }
    let size = compressed(page.as_bytes()).await?;
    Ok((
        page,
        size,
        "by brotli -q 5, as a proxy would; the server sends it as it is",
    ))
}

async fn compressed(bytes: &[u8]) -> Result<usize> {
    let mut brotli = Command::new("brotli")
        .args(["-q", "5", "-c", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("the program brotli is needed: apt-get install brotli")?;
    let mut input = brotli.stdin.take().context("brotli reads")?;
    input.write_all(bytes).await?;
    drop(input);
    Ok(brotli.wait_with_output().await?.stdout.len())
}

/// Addresses of ours in the page: style, script, wasm, mark.
fn linked(page: &str) -> BTreeSet<String> {
    let is_end = |character: char| matches!(character, '"' | '\'' | ' ' | ')' | '<' | '>' | '`');
    ["/pkg/", "/favicon"]
        .iter()
        .flat_map(|start| page.match_indices(start))
        .map(|(position, _)| {
            page[position..]
                .split(is_end)
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .filter(|address| address.contains('.'))
        .collect()
}

async fn fetched_size(server: &Server, address: &str) -> Result<usize> {
    let request = server
        .http
        .get(format!("{}{address}", server.url))
        .header(header::ACCEPT_ENCODING, "br");
    let response = request.send().await?;
    ensure!(
        response.status().is_success(),
        "{address} answers {}",
        response.status()
    );
    Ok(response.bytes().await?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_once_each() {
        let page = r#"<link href="/pkg/a.css"><link href="/favicon.svg"><script>import('/pkg/a.js').then("/pkg/a.js")"#;
        let found: Vec<String> = linked(page).into_iter().collect();
        assert_eq!(found, ["/favicon.svg", "/pkg/a.css", "/pkg/a.js"]);
    }
}
