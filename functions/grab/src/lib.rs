//! Stage 3: binds the next share to a person.
