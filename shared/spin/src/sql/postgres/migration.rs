//! The schema as one statement. Needs nothing but the files: tools include this file as it is.

/// The schema's versions, in order; a version is applied once and never changed afterwards.
pub const SCHEMA: [&str; 14] = [
    include_str!("../../../sql/postgres/schema/0001_ledger.sql"),
    include_str!("../../../sql/postgres/schema/0002_procedures.sql"),
    include_str!("../../../sql/postgres/schema/0003_settle.sql"),
    include_str!("../../../sql/postgres/schema/0004_rights.sql"),
    include_str!("../../../sql/postgres/schema/0005_operator.sql"),
    include_str!("../../../sql/postgres/schema/0006_storm.sql"),
    include_str!("../../../sql/postgres/schema/0007_addressed.sql"),
    include_str!("../../../sql/postgres/schema/0008_luck.sql"),
    include_str!("../../../sql/postgres/schema/0009_access.sql"),
    include_str!("../../../sql/postgres/schema/0010_retention.sql"),
    include_str!("../../../sql/postgres/schema/0011_held_up.sql"),
    include_str!("../../../sql/postgres/schema/0012_lists.sql"),
    include_str!("../../../sql/postgres/schema/0013_refill.sql"),
    include_str!("../../../sql/postgres/schema/0014_clocks.sql"),
];

/// One statement, so one transaction, that brings any older schema up to date. Of several at once the first does the
/// work and the others find it done. It needs the owner's rights; where the application has only its own, somebody
/// runs it before (`cargo xtask migrate`).
#[must_use]
pub fn migration() -> String {
    let version = |(number, sql): (usize, &&str)| {
        let version = number + 1;
        format!(
            "IF NOT EXISTS (SELECT 1 FROM schema_versions WHERE version = {version}) THEN\n{sql}\n\
             INSERT INTO schema_versions VALUES ({version});\nEND IF;\n"
        )
    };
    let versions: String = SCHEMA.iter().enumerate().map(version).collect();
    format!(
        "DO $hongbao$ BEGIN\nPERFORM pg_advisory_xact_lock(hashtext('hongbao.schema_versions'));\n\
         CREATE TABLE IF NOT EXISTS schema_versions (version bigint PRIMARY KEY);\n{versions}END $hongbao$"
    )
}
