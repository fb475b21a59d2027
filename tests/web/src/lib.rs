//! A real browser for tests: Chromium, headless, driven over WebDriver (and, where that has no word for it, over the
//! DevTools protocol behind it).
//!
//! **Invariant:** a browser ends with the test that started it, whatever way the test ends.

mod access;
mod browser;
mod window;

pub use access::serious_findings;
pub use browser::Browser;
pub use window::{DESK, PHONE, Screen, Window};
