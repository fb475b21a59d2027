//! Stage 4: opens a share and journals it.
