//! Stage 2: funds the escrow and loads the packet.
