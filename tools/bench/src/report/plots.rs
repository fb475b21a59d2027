//! Plots as SVG, without fonts or pictures of their own.

use std::ops::Range;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use crate::load::Sample;
use crate::results::Results;
use crate::scenario::grow::Grown;

const SIZE: (u32, u32) = (720, 360);
const COLOURS: [RGBColor; 5] = [
    RGBColor(0xb0, 0x1e, 0x23),
    RGBColor(0x1f, 0x5f, 0x8b),
    RGBColor(0x7a, 0x7a, 0x7a),
    RGBColor(0xd9, 0x8e, 0x04),
    RGBColor(0x2e, 0x7d, 0x32),
];

/// A named line.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

/// Draws all plots into `dir`.
pub(crate) fn draw(dir: &Path, results: &Results) -> Result<()> {
    std::fs::create_dir_all(dir)?;
    let latency = results.paced.samples.iter().map(|(name, sample)| distribution(name, sample)).collect::<Vec<_>>();
    plot(&dir.join("latency.svg"), "Latency at half the highest rate", ("nines (2 = p99)", "ms"), &latency)?;
    let rounds = |name: &str, of: fn(&crate::scenario::duel::Round) -> f64| Line {
        name: name.to_owned(),
        points: (1..).map(f64::from).zip(results.duel.rounds.iter().map(of)).collect(),
    };
    let rounds = [
        rounds("empty", |round| round.empty),
        rounds("grab", |round| round.grab),
        rounds("open", |round| round.open),
        rounds("sold out", |round| round.sold_out),
        rounds("native grab", |round| round.native_grab),
    ];
    plot(&dir.join("rounds.svg"), "Requests a second, round by round", ("round", "requests/s"), &rounds)?;
    plot(
        &dir.join("size.svg"),
        "Latency by the size of the packet",
        ("log10 of shares", "ms"),
        &grown(&results.sizes),
    )?;
    plot(&dir.join("live.svg"), "Latency by live packets", ("log10 of packets", "ms"), &grown(&results.live))
}

/// Latency by how many of a hundred, a thousand, … are slower: 1 is p90, 2 is p99, 3 is p99.9.
fn distribution(name: &str, sample: &Sample) -> Line {
    let at = |tenth: u32| {
        let nines = f64::from(tenth) / 10.0;
        let latency_us = sample.latency_us.value_at_quantile(1.0 - 10_f64.powf(-nines));
        (nines, latency_us as f64 / 1000.0)
    };
    Line { name: name.to_owned(), points: (0..=35).map(at).collect() }
}

fn grown(rows: &[Grown]) -> Vec<Line> {
    let line = |name: &str, of: fn(&Grown) -> f64| Line {
        name: name.to_owned(),
        points: rows.iter().map(|row| ((row.size as f64).log10(), of(row))).collect(),
    };
    vec![
        line("grab p99", |row| row.grab_ms.p99),
        line("open p99", |row| row.open_ms.p99),
        line("grab p50", |row| row.grab_ms.p50),
        line("open p50", |row| row.open_ms.p50),
    ]
}

fn plot(path: &Path, title: &str, (across, up): (&str, &str), lines: &[Line]) -> Result<()> {
    let broken = |error: &dyn std::fmt::Display| anyhow!("{}: {error}", path.display());
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|error| broken(&error))?;
    let (x, y) = (span(lines, |point| point.0, false), span(lines, |point| point.1, true));
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(x, y)
        .map_err(|error| broken(&error))?;
    let mut mesh = chart.configure_mesh();
    let short = |value: &f64| value.to_string();
    mesh.x_desc(across).y_desc(up).x_label_formatter(&short).y_label_formatter(&short);
    mesh.light_line_style(WHITE).draw().map_err(|error| broken(&error))?;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let series = LineSeries::new(line.points.iter().copied(), colour.stroke_width(2));
        let drawn = chart.draw_series(series).map_err(|error| broken(&error))?;
        drawn.label(&line.name).legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    let mut labels = chart.configure_series_labels();
    let labels = labels.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8));
    labels.draw().map_err(|error| broken(&error))?;
    root.present().map_err(|error| broken(&error))
}

/// From the least to the most of all points, never empty; from 0 where a length is to be read.
fn span(lines: &[Line], of: fn(&(f64, f64)) -> f64, from_zero: bool) -> Range<f64> {
    let values = || lines.iter().flat_map(|line| &line.points).map(of);
    let least = if from_zero { 0.0 } else { values().fold(f64::INFINITY, f64::min) };
    let most = values().fold(f64::NEG_INFINITY, f64::max);
    if most > least && least.is_finite() { least..most } else { 0.0..1.0 }
}
