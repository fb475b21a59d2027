//! One packet: who got what, best luck, fairness proof.
