//! Transcripts of the world, with the clock in view.
