//! The results for people: a text, and plots as SVG.

mod plots;
mod text;

pub(crate) use plots::draw;
pub(crate) use text::{rounds, text};
