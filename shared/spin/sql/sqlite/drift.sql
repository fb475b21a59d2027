-- What reconciliation found (?1: a JSON list of subject, packet, evidence), at ?2.
INSERT INTO drift (subject, packet, evidence, now_ms)
SELECT value ->> 'subject', value ->> 'packet', value ->> 'evidence', ?2 FROM json_each(?1)
