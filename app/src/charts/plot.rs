//! Series plotted by `plotters` into a stretching box, with classes in the place of colours.

use leptos::prelude::*;
use plotters::prelude::*;

/// The box in which series are plotted before they are stretched.
const WIDTH: u32 = 1000;
const HEIGHT: u32 = 200;

/// A series: its points as shares of the box (0 to 1 on both axes) and the class that gives its colour.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub class: &'static str,
    pub points: Vec<(f64, f64)>,
    pub filled: bool,
}

/// The series as an SVG of 100% by 100%.
pub fn plot(class: &str, series: &[Series]) -> AnyView {
    let drawn = draw(series).unwrap_or_default();
    view! { <svg class=class.to_owned() viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true" inner_html=drawn></svg> }.into_any()
}

/// The inner SVG; `None` when nothing can be drawn.
fn draw(series: &[Series]) -> Option<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(4)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)
            .ok()?;
        for (index, one) in series.iter().enumerate() {
            let sentinel = sentinel(index);
            if one.filled {
                let points = one.points.iter().copied();
                chart
                    .draw_series(AreaSeries::new(points, 0.0, sentinel.filled()))
                    .ok()?;
            } else {
                let points = one.points.iter().copied();
                chart
                    .draw_series(LineSeries::new(points, sentinel.stroke_width(2)))
                    .ok()?;
            }
        }
        area.present().ok()?;
    }
    Some(with_classes(inner(&svg), series))
}

/// A colour that nobody ever sees: it marks the place where a class will stand.
fn sentinel(index: usize) -> RGBColor {
    RGBColor(1, 2, u8::try_from(index).unwrap_or(u8::MAX))
}

/// What stands between the root's tags: the root itself has a fixed size, ours stretches.
fn inner(svg: &str) -> &str {
    let start = svg
        .find("<svg")
        .and_then(|root| svg[root..].find('>').map(|end| root + end + 1))
        .unwrap_or(0);
    let end = svg.rfind("</svg>").unwrap_or(svg.len());
    svg.get(start..end).unwrap_or_default()
}

fn with_classes(svg: &str, series: &[Series]) -> String {
    let mut classed = svg.to_owned();
    for (index, one) in series.iter().enumerate() {
        let colour = format!("#{:02X}{:02X}{:02X}", 1, 2, index);
        let fill = format!("fill=\"{colour}\"");
        let stroke = format!("stroke=\"{colour}\"");
        classed = classed
            .replace(&fill, &format!("class=\"{}\"", one.class))
            .replace(&stroke, &format!("class=\"{}\"", one.class));
    }
    classed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_carry_classes_and_no_colours() {
        let drawn = draw(&[
            Series {
                class: "series-new",
                points: vec![(0.0, 0.0), (1.0, 1.0)],
                filled: false,
            },
            Series {
                class: "series-fill",
                points: vec![(0.0, 0.5), (1.0, 0.5)],
                filled: true,
            },
        ])
        .unwrap();
        assert!(drawn.contains("class=\"series-new\""), "{drawn}");
        assert!(drawn.contains("class=\"series-fill\""), "{drawn}");
        assert!(!drawn.contains("#0102"), "{drawn}");
        assert!(!drawn.contains("style="), "{drawn}");
        assert!(!drawn.contains("<svg"), "{drawn}");
    }
}
