//! Times in the viewer's zone, and countdowns that count.

use leptos::prelude::*;

/// Rewrites every `<time data-time>` of the page and keeps the countdowns going.
#[island]
pub fn Times() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    {
        rewrite();
        super::dom::every(1_000, tick);
    }
}

/// Rewrites all times; called again after parts of the page were swapped.
#[cfg(feature = "hydrate")]
pub(super) fn rewrite() {
    for element in super::dom::all("time[data-time]") {
        write(&element);
    }
}

#[cfg(feature = "hydrate")]
fn tick() {
    for element in super::dom::all("time[data-time=countdown], time[data-time=relative]") {
        write(&element);
    }
}

#[cfg(feature = "hydrate")]
fn write(element: &web_sys::Element) {
    let (Some(style), Some(stamp)) = (
        element.get_attribute("data-time"),
        element.get_attribute("datetime"),
    ) else {
        return;
    };
    let date = js_sys::Date::new(&stamp.into());
    let local = date.to_locale_string("default", &options(style == "clock"));
    let seconds = ((date.get_time() - js_sys::Date::now()) / 1_000.0).round();
    let text = match style.as_str() {
        "relative" => relative(seconds),
        "countdown" => short(seconds.max(0.0)),
        _ => local.as_string().unwrap_or_default(),
    };
    if element.text_content().as_deref() != Some(&text) {
        element.set_text_content(Some(&text));
    }
    if let Some(local) = local.as_string() {
        // Setting a plain attribute cannot fail.
        let _ = element.set_attribute("title", &local);
    }
}

/// How the browser should write the time, in the words of its own formatter.
#[cfg(feature = "hydrate")]
fn options(clock_only: bool) -> js_sys::Object {
    let options = js_sys::Object::new();
    let pairs: &[(&str, &str)] = if clock_only {
        &[("timeStyle", "medium")]
    } else {
        &[("dateStyle", "medium"), ("timeStyle", "short")]
    };
    for (name, value) in pairs {
        // Setting a property of a fresh object cannot fail.
        let _ = js_sys::Reflect::set(&options, &(*name).into(), &(*value).into());
    }
    options
}

#[cfg(feature = "hydrate")]
fn relative(seconds: f64) -> String {
    let distance = seconds.abs();
    if distance < 1.0 {
        return "just now".into();
    }
    let (number, unit) = largest_unit(distance);
    let plural = if number == 1.0 { "" } else { "s" };
    if seconds > 0.0 {
        format!("in {number} {unit}{plural}")
    } else {
        format!("{number} {unit}{plural} ago")
    }
}

#[cfg(feature = "hydrate")]
fn short(seconds: f64) -> String {
    let (number, unit) = largest_unit(seconds);
    let letter = if unit == "minute" { "min" } else { &unit[..1] };
    format!("{number} {letter}")
}

#[cfg(feature = "hydrate")]
fn largest_unit(seconds: f64) -> (f64, &'static str) {
    if seconds >= 86_400.0 {
        ((seconds / 86_400.0).floor(), "day")
    } else if seconds >= 3_600.0 {
        ((seconds / 3_600.0).floor(), "hour")
    } else if seconds >= 60.0 {
        ((seconds / 60.0).floor(), "minute")
    } else {
        (seconds.floor(), "second")
    }
}
