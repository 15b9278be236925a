//! Takes the live parts of a page from the server again and puts in place those that changed.

use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomParser, Element, Response, SupportedType};

use super::dom;

/// Fetches the address and swaps every `data-live` part whose HTML differs; says whether that worked.
pub(super) async fn swap_from(address: &str) -> bool {
    match fetch_text(address).await {
        Ok(html) => swap(&html).is_some(),
        Err(_) => false,
    }
}

async fn fetch_text(address: &str) -> Result<String, JsValue> {
    let window = dom::window().ok_or(JsValue::NULL)?;
    let response: Response = JsFuture::from(window.fetch_with_str(address)).await?.dyn_into()?;
    if !response.ok() {
        return Err(JsValue::NULL);
    }
    JsFuture::from(response.text()?)
        .await?
        .as_string()
        .ok_or(JsValue::NULL)
}

fn swap(html: &str) -> Option<()> {
    let fresh = DomParser::new()
        .ok()?
        .parse_from_string(html, SupportedType::TextHtml)
        .ok()?;
    for part in dom::all("[data-live]") {
        let key = part.get_attribute("data-live")?;
        let selector = format!("[data-live=\"{key}\"]");
        if let Ok(Some(new_part)) = fresh.query_selector(&selector) {
            put(&part, &new_part);
        }
    }
    super::times::rewrite();
    Some(())
}

/// Replaces the inside, unless somebody is typing in it or nothing changed.
fn put(part: &Element, new_part: &Element) {
    let has_focus = dom::document()
        .and_then(|document| document.active_element())
        .is_some_and(|focused| part.contains(Some(&focused)) && is_typing(&focused));
    let original = part.get_attribute("data-live-html");
    let fresh_html = new_part.inner_html();
    if has_focus || original.as_deref() == Some(&fresh_html) {
        return;
    }
    let opened = dom_paths_of_open_details(part);
    part.set_inner_html(&fresh_html);
    reopen(part, &opened);
    if let Some(class) = new_part.get_attribute("class") {
        part.set_class_name(&class);
    }
}

fn is_typing(focused: &Element) -> bool {
    matches!(focused.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
}

/// Which disclosures stand open, by their order, so that a swap does not close what is being read.
fn dom_paths_of_open_details(part: &Element) -> Vec<u32> {
    let Ok(details) = part.query_selector_all("details") else {
        return Vec::new();
    };
    (0..details.length())
        .filter(|index| {
            details
                .item(*index)
                .and_then(|node| node.dyn_into::<Element>().ok())
                .is_some_and(|one| one.has_attribute("open"))
        })
        .collect()
}

fn reopen(part: &Element, opened: &[u32]) {
    let Ok(details) = part.query_selector_all("details") else {
        return;
    };
    for index in opened {
        if let Some(one) = details
            .item(*index)
            .and_then(|node| node.dyn_into::<Element>().ok())
        {
            // Setting a plain attribute cannot fail.
            let _ = one.set_attribute("open", "");
        }
    }
}
