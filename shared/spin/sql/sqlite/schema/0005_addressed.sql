-- A group's packets, and one user's exclusive ones, newest first.
CREATE INDEX packets_of_recipient ON packets (recipient, created_at_ms, id);
