//! The independent checker: from what people were answered and what SQL holds in the end, says what is wrong.
//!
//! **Invariant:** it knows the API and the tables, and nothing else: no code of the core, of the platform or of the
//! models is used here, so that no mistake can be made the same way twice.

mod answers;
mod books;
mod history;
mod tables;

pub use history::{Call, Fault, Line, read};
pub use tables::Tables;

/// What was found wrong: a name for the kind, and the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The kind, such as `user twice`.
    pub kind: &'static str,
    /// Who, what, how much.
    pub evidence: String,
}

impl Violation {
    /// The kind, and for what needed no checker the first words.
    #[must_use]
    pub fn kind_and_start(&self) -> String {
        match self.kind {
            "complaint" => self.evidence.split(['{', '(']).next().unwrap_or_default().chars().take(60).collect(),
            kind => kind.to_owned(),
        }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind, self.evidence)
    }
}

/// What the checker may take for granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The system is at work: what is on its way is not missing yet.
    Running,
    /// All faults are over and everything had time to settle: nothing may be on its way.
    Settled,
}

/// Everything wrong with a history and its books; nothing when all is right.
#[must_use]
pub fn check(history: &[Line], tables: &Tables, moment: Moment) -> Vec<Violation> {
    let mut found = Vec::new();
    books::check(tables, moment, &mut found);
    answers::check(history, tables, moment, &mut found);
    found
}

/// Adds a violation.
fn violation(found: &mut Vec<Violation>, kind: &'static str, evidence: impl Into<String>) {
    found.push(Violation { kind, evidence: evidence.into() });
}
