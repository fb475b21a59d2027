//! The list of seeded bugs.

use super::{Canary, LinkBug, Seam, source};
use crate::fault::Disaster;

/// All seeded bugs.
pub const CANARIES: &[Canary] = &[
    Canary {
        name: "acknowledge_before_commit",
        bug: "an entry leaves the journal as it is read, before SQL has it",
        seam: || Seam::link(LinkBug::AcknowledgesOnRead),
    },
    Canary {
        name: "settle_failure_ignored",
        bug: "entries are acknowledged although the statement failed",
        seam: || Seam { swallowed: Some(source("sql/sqlite", "settle.sql")), ..Seam::default() },
    },
    Canary {
        name: "refund_does_not_wait",
        bug: "the refund is made at the close, not when all opens are settled",
        seam: || Seam::schema("WHEN NEW.closed_opened = NEW.settled AND", "WHEN NEW.closed_opened IS NOT NULL AND"),
    },
    Canary {
        name: "refund_from_the_counter",
        bug: "the refund is worked out from Redis' count of opens, not from what the escrow holds",
        seam: || {
            let counted = "'wallet:' || NEW.sender, NEW.total_fen * (NEW.count - NEW.closed_opened) / NEW.count,";
            Seam::schema("'wallet:' || NEW.sender, a.balance_fen,", counted)
        },
    },
    Canary {
        name: "claims_without_key",
        bug: "nothing keeps a share from being claimed twice",
        seam: || {
            let keys = "  PRIMARY KEY (packet, seq),\n  CONSTRAINT one_share_a_user UNIQUE (packet, user)\n\
                        ) STRICT, WITHOUT ROWID;\n\nCREATE INDEX claims_of_user";
            let mut seam = Seam::schema(&format!("is_best      INTEGER NOT NULL DEFAULT 0,\n{keys}"), NO_KEYS);
            seam.schema.push((UNCLAIMED.into(), ";".into()));
            seam
        },
    },
    Canary {
        name: "postings_without_natural_id",
        bug: "the same deposit is posted again",
        seam: || {
            let mut seam = Seam::schema("id         TEXT    NOT NULL UNIQUE,", "id         TEXT    NOT NULL,");
            seam.schema.push((UNPOSTED.into(), ";".into()));
            seam
        },
    },
    Canary {
        name: "float_split",
        bug: "shares are the rounded average instead of what the seed says",
        seam: || Seam::statement("settle.sql", "value ->> 'amount_fen'", AVERAGE),
    },
    Canary {
        name: "event_outside_the_script",
        bug: "a share is opened, and its entry follows in a call of its own",
        seam: || Seam::script("open.lua", "redis.call('XADD', events, '*', 'e', table.concat({'open'", LATER),
    },
    Canary {
        name: "grab_not_idempotent",
        bug: "who grabs again gets another share",
        seam: || Seam::script("grab.lua", "if claim then", "if false then"),
    },
    Canary {
        name: "open_not_idempotent",
        bug: "who opens again opens again: a second entry, a new time",
        seam: || Seam::script("open.lua", "if claimed == seq and opened_at ~= ''", "if false"),
    },
    Canary {
        name: "close_does_not_stop_opens",
        bug: "a share is opened after the packet's end",
        seam: || Seam::script("open.lua", IS_OVER, "local is_over = false"),
    },
    Canary {
        name: "expiry_by_the_application",
        bug: "whether a packet is over is judged by the application's clock",
        seam: || Seam::script("open.lua", IS_OVER, CALLER_DECIDES),
    },
    Canary {
        name: "fund_without_balance",
        bug: "who has too little sends all the same",
        seam: || Seam::schema("CHECK (balance_fen >= 0 OR id = 'world')", "CHECK (1)"),
    },
    Canary {
        name: "seed_by_the_callers_clock",
        bug: "the seed is shown when a packet's time is over by the clock of whoever asks, not when it is closed",
        seam: || Seam::script("look.lua", "local is_closed = closed\n", CLOSED_FOR_THE_CALLER),
    },
    Canary {
        name: "load_overwrites",
        bug: "a repeated send resets the packet's live state",
        seam: || Seam::script("load.lua", "if redis.call('HGET', packet, 'e') == ARGV[1]", "if false"),
    },
    Canary {
        name: "rebuild_forgets_shares",
        bug: "a rebuilt packet hands out shares that are settled",
        seam: || Seam::script("rebuild.lua", ", 's' .. ARGV[i + 1], 1)", ")"),
    },
    Canary {
        name: "put_back_overwrites",
        bug: "a packet is put back over what has happened to it since it came back",
        seam: || Seam::script("rebuild.lua", "if redis.call('HGET', packet, 'e') ~= epoch then", "if true then"),
    },
    Canary {
        name: "not_back_is_lost",
        bug: "a packet that has not come back yet under a new epoch is taken for a loss",
        seam: || Seam::statement("epoch_next.sql", "refill_after = ''", "refill_after = NULL"),
    },
    Canary {
        name: "any_copy_is_trusted",
        bug: "a shard that lost contents is used as it is",
        seam: || Seam::link(LinkBug::TrustsAnyCopy),
    },
    Canary {
        name: "lost_opens_hold_the_escrow",
        bug: "a closed packet waits for opens that were lost with the journal",
        seam: || {
            let forgoes = "  UPDATE packets SET closed_opened = settled WHERE shard = NEW.shard AND closed_at_ms IS NOT NULL\n    \
                           AND refunded_fen IS NULL AND closed_opened > settled;";
            // A lock keeps an open from being settled before the close, and then the journal is lost.
            let disasters = Some([Disaster::Lock, Disaster::RedisEmpty].as_slice());
            Seam { disasters, ..Seam::schema(forgoes, "  SELECT NEW.epoch;") }
        },
    },
    Canary {
        name: "retired_before_it_is_settled",
        bug: "a packet leaves Redis while shares of it are open or on their way to the ledger",
        seam: || Seam::statement("note_ended.sql", "(settled >= count OR refunded_fen IS NOT NULL)", "is_loaded = 1"),
    },
    Canary {
        name: "a_voucher_fences",
        bug: "a voucher of this epoch that is not known is proof enough that the shard has forgotten: whoever opens by \
              an older one first stops it for everybody",
        seam: || {
            let alone = "  redis.call('SET', KEYS[4], 0)\n  if true then return {'lost'} end\n";
            Seam::script("open.lua", GAVE_BACK, alone)
        },
    },
    Canary {
        name: "next_number_twice",
        bug: "now and then two people get the same share",
        seam: || {
            let twice = "'g', grabbed % 3 == 2 and grabbed or grabbed + 1)\n  return";
            Seam::script("grab.lua", "'g', grabbed + 1)\n  return", twice)
        },
    },
    Canary {
        name: "nobody_takes_over",
        bug: "entries that a dead process had read wait for ever",
        seam: || Seam::script("take_over.lua", "return reply", "return {'0-0'}"),
    },
    Canary {
        name: "cursor_ignored",
        bug: "an empty page of pending entries passes for the end: each drain drops one deleted entry",
        seam: || {
            let mut seam = Seam::script("take_over.lua", "'COUNT', ARGV[5])", "'COUNT', 1)");
            seam.lua[0].1 = seam.lua[0].1.replace("{found[1]}, {}", "{'0-0'}, {}");
            seam
        },
    },
    Canary {
        name: "guesses_are_not_counted",
        bug: "a wrong password is refused before it is counted",
        seam: || {
            let at_once = "if guess == 'wrong' then return {'wrong_password'} end\nif guess then\n";
            Seam::script("grab.lua", "if guess then\n", at_once)
        },
    },
    Canary {
        name: "bell_is_trusted",
        bug: "the sweep does not read the journal, so a lost bell loses its entries",
        seam: || Seam::link(LinkBug::TrustsTheBell),
    },
];

/// What a settled open and a deposit look for, beside the keys.
const UNCLAIMED: &str = "\n      AND NOT EXISTS (SELECT 1 FROM claims WHERE packet = NEW.packet AND seq = NEW.seq)\n      \
                         AND NOT EXISTS (SELECT 1 FROM claims WHERE packet = NEW.packet AND user = NEW.user);";
const UNPOSTED: &str = "\n    WHERE NOT EXISTS (SELECT 1 FROM postings WHERE id = 'deposit:' || NEW.id);";
const NO_KEYS: &str = "is_best      INTEGER NOT NULL DEFAULT 0\n) STRICT;\n\nCREATE INDEX claims_of_user";
const AVERAGE: &str = "CASE value ->> 'kind' WHEN 'open' THEN (SELECT CAST(ROUND(1.0 * total_fen / count) AS INTEGER) \
                       FROM packets WHERE id = value ->> 'packet') END";
/// How `open.lua` answers who has opened another share of the packet.
const GAVE_BACK: &str = "  if (opened_at or '') ~= '' then return {'not_grabbed'} end\n";
/// How `open.lua` finds that a packet's time is over.
const IS_OVER: &str = "local is_over = closed or now_ms >= tonumber(expires)";
/// The entry leaves the script as a message, which the model's connection turns into an XADD of its own.
const LATER: &str = "redis.call('PUBLISH', 'later:' .. events, table.concat({'open'";
const CALLER_DECIDES: &str = "local caller = redis.call('CALLERTIME')\n\
                              local is_over = closed or caller[1] * 1000 + math.floor(caller[2] / 1000) >= tonumber(expires)";
const CLOSED_FOR_THE_CALLER: &str = "local caller = redis.call('CALLERTIME')\n\
                                     local ends = tonumber(redis.call('HGET', packet, 'x'))\n\
                                     local is_closed = closed or caller[1] * 1000 >= ends\n";
