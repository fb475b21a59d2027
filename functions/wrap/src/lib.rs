//! Stage 1: checks a packet and answers a signed quote.
