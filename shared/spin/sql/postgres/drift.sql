-- What reconciliation found ($1: a JSON list of subject, packet, evidence), at $2.
SELECT drift(d ->> 'subject', d ->> 'packet', d ->> 'evidence', $2) FROM json_array_elements($1::text::json) d
