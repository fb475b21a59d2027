//! Stage 5: settles the journal into the ledger.
