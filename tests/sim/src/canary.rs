//! Seeded bugs: what an engineer could get wrong, put in at the seams without touching the application. Each must be
//! caught: an uncaught one means that the simulation or the checker has gone blind.

use crate::database::texts;
use crate::fault::Disaster;

mod list;
pub use list::CANARIES;

/// A seeded bug.
pub struct Canary {
    /// Its name.
    pub name: &'static str,
    /// What is wrong with the system that has it.
    pub bug: &'static str,
    /// The bug.
    pub seam: fn() -> Seam,
}

/// What of the application is replaced in a run.
#[derive(Debug, Clone, Default)]
pub struct Seam {
    /// Text of the schema, and what stands there instead.
    pub schema: Vec<(String, String)>,
    /// Whole scripts, and what runs instead.
    pub lua: Vec<(String, String)>,
    /// Whole statements, and what runs instead.
    pub statements: Vec<(String, String)>,
    /// A statement whose failure is passed over in silence.
    pub swallowed: Option<String>,
    /// What the connection to Redis does wrong.
    pub link: Option<LinkBug>,
    /// The disasters that bring the bug about, where the usual mixture seldom does.
    pub disasters: Option<&'static [Disaster]>,
}

/// Bugs between the application and Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkBug {
    /// Entries are acknowledged as they are read.
    AcknowledgesOnRead,
    /// The sweep does not read the journal.
    TrustsTheBell,
    /// Any copy of a shard passes for the right one.
    TrustsAnyCopy,
}

impl Seam {
    /// The schema with its bugs.
    ///
    /// # Panics
    /// When the schema has no such text any more: the bug has to be written anew.
    #[must_use]
    pub fn alter_schema(&self, mut schema: String) -> String {
        for (text, bug) in &self.schema {
            assert!(schema.contains(text), "the schema has no such text any more: {text}");
            schema = schema.replace(text, bug);
        }
        schema
    }

    /// Whether this statement's failures are passed over.
    #[must_use]
    pub fn swallows(&self, statement: &str) -> bool {
        self.swallowed.as_deref() == Some(statement)
    }

    /// A schema in which one text is another.
    #[must_use]
    pub fn schema(text: &str, bug: &str) -> Self {
        Self { schema: vec![(text.to_owned(), bug.to_owned())], ..Self::default() }
    }

    /// A script in which one text is another.
    #[must_use]
    pub fn script(name: &str, text: &str, bug: &str) -> Self {
        Self { lua: vec![altered("lua", name, text, bug)], ..Self::default() }
    }

    /// A statement in which one text is another.
    #[must_use]
    pub fn statement(name: &str, text: &str, bug: &str) -> Self {
        Self { statements: vec![altered("sql/sqlite", name, text, bug)], ..Self::default() }
    }

    /// A connection to Redis with a bug.
    #[must_use]
    pub fn link(bug: LinkBug) -> Self {
        Self { link: Some(bug), ..Self::default() }
    }

    /// Both bugs.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.schema.extend(other.schema);
        self.lua.extend(other.lua);
        self.statements.extend(other.statements);
        self
    }
}

/// A file of the application, and the file with one text replaced.
///
/// # Panics
/// When the file has no such text any more: the bug has to be written anew.
fn altered(folder: &str, name: &str, text: &str, bug: &str) -> (String, String) {
    let original = source(folder, name);
    assert!(original.contains(text), "{name} has no such text any more: {text}");
    let altered = original.replace(text, bug);
    (original, altered)
}

/// A file of the application.
///
/// # Panics
/// When there is none.
pub(crate) fn source(folder: &str, name: &str) -> String {
    let found = texts(folder).into_iter().find(|(file, _)| file == name);
    found.unwrap_or_else(|| panic!("{folder} has no {name}")).1
}
