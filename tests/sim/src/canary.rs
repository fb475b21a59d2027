//! Seams: where a seeded bug can be put in without touching the application.

/// What of the application's own text is replaced in a run.
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
}
