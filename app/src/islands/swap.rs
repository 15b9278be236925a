//! Takes the live parts of a page from the server again and changes what differs, node by node: so focus, open
//! disclosures, half-typed text and selections stay, and a square that changes its colour moves to it.

use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomParser, Element, Node, Response, SupportedType};

use super::dom;

/// Fetches the address and brings every `data-live` part up to date; says whether that worked.
pub(super) async fn swap_from(address: &str) -> bool {
    match fetch_text(address).await {
        Ok(html) => swap(&html).is_some(),
        Err(_) => false,
    }
}

async fn fetch_text(address: &str) -> Result<String, JsValue> {
    let window = dom::window().ok_or(JsValue::NULL)?;
    let response: Response = JsFuture::from(window.fetch_with_str(address)).await?.dyn_into()?;
    // A redirect leads to the sign-in page, which has none of the parts.
    if !response.ok() || response.redirected() {
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
        if let Ok(Some(fresh_part)) = fresh.query_selector(&selector) {
            settle(&part, &fresh_part);
        }
    }
    super::times::rewrite();
    Some(())
}

/// Makes `old` like `fresh`; a failing step leaves that node as it was until the next event.
fn settle(old: &Element, fresh: &Element) {
    let is_island = old.tag_name() == "LEPTOS-ISLAND";
    // Its words are in the viewer's zone already.
    let is_same_time =
        old.tag_name() == "TIME" && old.get_attribute("datetime") == fresh.get_attribute("datetime");
    if is_island || is_same_time {
        return;
    }
    settle_attributes(old, fresh);
    settle_children(old, fresh);
}

fn settle_attributes(old: &Element, fresh: &Element) {
    for name in names(fresh) {
        let value = fresh.get_attribute(&name).unwrap_or_default();
        if old.get_attribute(&name).as_deref() != Some(value.as_str()) {
            // The server wrote this name, so the browser takes it.
            let _ = old.set_attribute(&name, &value);
        }
    }
    for name in names(old) {
        // What the viewer opened stays open.
        if name != "open" && !fresh.has_attribute(&name) {
            let _ = old.remove_attribute(&name);
        }
    }
}

fn names(element: &Element) -> Vec<String> {
    element
        .get_attribute_names()
        .iter()
        .filter_map(|name| name.as_string())
        .collect()
}

fn settle_children(old: &Node, fresh: &Node) -> Option<()> {
    let fresh_children = children(fresh);
    let old_children = children(old);
    for (position, fresh_child) in fresh_children.iter().enumerate() {
        match old_children.get(position) {
            Some(old_child) => settle_child(old, old_child, fresh_child)?,
            None => {
                old.append_child(&copied(fresh_child)?).ok()?;
            }
        }
    }
    for surplus in old_children.iter().skip(fresh_children.len()) {
        old.remove_child(surplus).ok()?;
    }
    Some(())
}

fn settle_child(parent: &Node, old: &Node, fresh: &Node) -> Option<()> {
    if old.node_name() != fresh.node_name() {
        parent.replace_child(&copied(fresh)?, old).ok()?;
        return Some(());
    }
    match (old.dyn_ref::<Element>(), fresh.dyn_ref::<Element>()) {
        (Some(old), Some(fresh)) => settle(old, fresh),
        _ if old.node_value() != fresh.node_value() => old.set_node_value(fresh.node_value().as_deref()),
        _ => {}
    }
    Some(())
}

fn children(node: &Node) -> Vec<Node> {
    let list = node.child_nodes();
    (0..list.length()).filter_map(|index| list.item(index)).collect()
}

/// A copy that belongs to this document.
fn copied(node: &Node) -> Option<Node> {
    dom::document()?.import_node_with_deep(node, true).ok()
}
