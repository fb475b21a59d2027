-- The role the application works as. It reads everything and writes money only through the procedures: it has
-- no INSERT, UPDATE or DELETE on accounts, postings, packets, claims or exceptions.
--
-- A login for the application: CREATE ROLE … LOGIN PASSWORD '…' IN ROLE hongbao_app.
DO $$
BEGIN
  CREATE ROLE hongbao_app NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
  NULL; -- Roles belong to the whole server: another database of it has made this one.
END $$;

REVOKE ALL ON FUNCTION deposit, fund, settle, grab_in_sql, open_in_sql, close_in_sql, move_to_sql, drift,
  forgo_lost, contradicted, settle_together, settle_alone, lock_accounts, postings_move, postings_stay FROM PUBLIC;

GRANT EXECUTE ON FUNCTION deposit, fund, settle, grab_in_sql, open_in_sql, close_in_sql, move_to_sql, drift,
  forgo_lost TO hongbao_app;

GRANT SELECT ON accounts, postings, packets, claims, grabs, exceptions, local_keys, shards, schema_versions
  TO hongbao_app;

GRANT INSERT ON local_keys, shards TO hongbao_app;

GRANT UPDATE ON shards TO hongbao_app;
