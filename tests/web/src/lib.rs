//! A real browser for tests: Chromium, headless, driven over WebDriver (and, where that has no word for it, over the
//! DevTools protocol behind it).
//!
//! **Invariant:** a browser ends with the test that started it, whatever way the test ends.

mod access;
mod browser;
mod window;

pub use access::serious_findings;
pub use browser::Browser;
pub use window::{DESK, PHONE, SMALL_PHONE, Screen, Window, ZOOMED_PHONE};

/// Takes from a browser what came after those that the page promises to work in: for [`Browser::window_after`].
pub const OLD: &str = include_str!("old.js");
