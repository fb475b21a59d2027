//! The hunt for seeded bugs: how many seeds it takes until each is caught.

use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::canary::{CANARIES, Canary, Seam};
use crate::database::prepare;
use crate::fault::Disaster;
use crate::run::{Options, run};

/// How a seeded bug fared.
#[derive(Debug)]
pub struct Catch {
    /// The bug's name.
    pub name: &'static str,
    /// What is wrong with the system that has it.
    pub bug: &'static str,
    /// The seed that caught it and the kind of violation; nothing when none did.
    pub caught: Option<(u64, String)>,
}

/// Runs every seeded bug (or only the one with this name) until it is caught, over at most so many seeds each.
///
/// A seed counts only if it is sound without the bug.
#[must_use]
pub fn hunt(most_seeds: u64, only: Option<&str>) -> Vec<Catch> {
    let hunted: Vec<&Canary> = CANARIES.iter().filter(|canary| only.is_none_or(|name| name == canary.name)).collect();
    let (next, catches) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(canary) = hunted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let caught = catch(canary, most_seeds);
                    let found = Catch { name: canary.name, bug: canary.bug, caught };
                    catches.lock().expect("no thread panics with the list").push(found);
                }
            });
        }
    });
    let mut catches = catches.into_inner().expect("no thread panics with the list");
    catches.sort_by_key(|found| CANARIES.iter().position(|canary| canary.name == found.name));
    catches
}

fn catch(canary: &Canary, most_seeds: u64) -> Option<(u64, String)> {
    let (sound, seam) = (Rc::new(Seam::default()), Rc::new((canary.seam)()));
    let (sound_database, database) = (prepare(&sound), prepare(&seam));
    (1..=most_seeds).find_map(|seed| {
        let options = || Options { disasters: seam.disasters.unwrap_or(Disaster::ALL), ..Options::default() };
        let kind = run(seed, &database, &seam, options()).violations.first()?.kind_and_start();
        let is_sound = run(seed, &sound_database, &sound, options()).violations.is_empty();
        is_sound.then_some((seed, kind))
    })
}

/// The catches as a table.
#[must_use]
pub fn table(catches: &[Catch]) -> String {
    let mut lines =
        vec!["| seeded bug | what is wrong | caught by | seeds needed |".to_owned(), "|---|---|---|---|".to_owned()];
    for Catch { name, bug, caught } in catches {
        lines.push(match caught {
            Some((seeds, kind)) => format!("| {name} | {bug} | {kind} | {seeds} |"),
            None => format!("| {name} | {bug} | **nothing** | – |"),
        });
    }
    lines.join("\n")
}
