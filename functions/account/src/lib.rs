//! A person's balance, statement, packets and development login.
