//! The canaries: bugs that somebody could write. Random histories find every one.

use crate::arena::{Arena, Clock};
use crate::find_difference;
use crate::scripts::Scripts;

/// A script, what is right in it, and what would be wrong.
const BUGS: &[(&str, &str, &str)] = &[
    ("load", "if redis.call('GET', epoch) ~= ARGV[1]", "if false"),
    ("load", "== ARGV[1] then return {'again'}", "== 'x' then return {'again'}"),
    ("load", "redis.call('DEL', packet)", "0"),
    ("load", "'e', ARGV[1], 'g'", "'e', 1, 'g'"),
    ("load", "'load ' .. ARGV[2]", "'open ' .. ARGV[2]"),
    ("grab", "if shard_epoch ~= ARGV[1]", "if false"),
    ("grab", "if epoch ~= ARGV[1]", "if not epoch"),
    ("grab", "if claim then", "if false then"),
    ("grab", "now_ms < tonumber(starts)", "now_ms <= tonumber(starts)"),
    ("grab", "tonumber(grabbed) >= tonumber(count)", "tonumber(grabbed) > tonumber(count)"),
    ("grab", "if closed or", "if"),
    ("grab", "now_ms >= tonumber(expires)", "now_ms > tonumber(expires)"),
    ("grab", "grabbed, 'g', grabbed + 1)", "grabbed)"),
    ("grab", "== 1 do seq = seq - 1 end", "== 2 do seq = seq - 1 end"),
    ("grab", "'q', seq - 1, 's' .. seq, 1", "'q', seq - 1"),
    ("open", "if redis.call('GET', KEYS[4]) ~= ARGV[1]", "if false"),
    ("open", "if epoch ~= ARGV[1]", "if not epoch"),
    ("open", "local is_receipt = claimed ~= seq", "local is_receipt = not claimed"),
    ("open", "if claimed == seq and opened_at ~= ''", "if false"),
    ("open", "given >= tonumber(epoch)", "given > tonumber(epoch)"),
    ("open", "redis.call('SET', KEYS[4], 0)", ""),
    ("open", "is_receipt and not cursor", "false"),
    ("open", "local is_over = closed or", "local is_over ="),
    ("open", "now_ms >= tonumber(expires)", "now_ms > tonumber(expires)"),
    ("open", "(opened_at or '') == '' and", ""),
    ("open", "redis.call('HEXISTS', packet, 's' .. seq) == 0", "true"),
    ("open", "(is_over or not is_free) then", "not is_free then"),
    ("open", "if (opened_at or '') ~= '' then return {'not_grabbed'} end", ""),
    ("open", "if origin and", "if"),
    ("open", "'run_id:' .. origin", "'run_id:'"),
    ("open", "contest()\n    return", "return"),
    ("open", "'contest:' .. user, 1) == 1", "'contest:' .. user, 1)"),
    ("open", "redis.call('HDEL', packet, 's' .. claimed)", ""),
    ("open", "math.max(tonumber(cursor), tonumber(claimed))", "cursor"),
    ("open", "redis.call('HINCRBY', packet, 'g', 1)", ""),
    ("open", "'g', 1)\n  redis.call('HSET', packet, 's' .. seq, 1)", "'g', 1)"),
    ("open", "'o', 1)", "'o', 2)"),
    (
        "open",
        "'*', 'e', table.concat({'open', id, epoch, seq, user, at}",
        "'*', 'e', table.concat({'open', id, epoch, 0, user, at}",
    ),
    ("open", "math.floor(now[2] / 1000)", "math.ceil(now[2] / 1000)"),
    ("close", "if redis.call('GET', KEYS[4]) ~= ARGV[1]", "if false"),
    ("close", "if epoch ~= ARGV[1]", "if not epoch"),
    ("close", "if closed then", "if false then"),
    ("close", "now_ms < tonumber(expires)", "now_ms <= tonumber(expires)"),
    ("close", "redis.call('HSET', packet, 'c', 1)", ""),
    ("close", "epoch, opened, at", "epoch, 0, at"),
    ("fence", "~= ARGV[1]", "== 'x'"),
    ("fence", "redis.call('SET', KEYS[1], 0)", ""),
    ("rebuild", "~= epoch then return {'fenced'}", "== 'x' then return {'fenced'}"),
    ("rebuild", "if redis.call('HGET', packet, 'e') ~= epoch then", "if true then"),
    ("rebuild", "redis.call('DEL', packet)", "0"),
    ("rebuild", "'s' .. ARGV[i + 1], 1", "'s' .. ARGV[i + 1], 2"),
    ("rebuild", "'g', settled, 'o'", "'g', 0, 'o'"),
    ("rebuild", "'q', count - 1", "'q', count - 2"),
    ("rebuild", "if is_confirmed ~= '1' then", "if true then"),
    ("rebuild", "put = put + 1", ""),
];

#[test]
fn a_bug_in_any_script_is_found() {
    let mut arena = Arena::start();
    for (script, right, wrong) in BUGS {
        let scripts = Scripts::read().by_held_clock().with_bug(script, right, wrong);
        let found = find_difference(&mut arena, &scripts, Clock::Held, 5_000);
        assert!(found.is_err(), "{script} with {wrong:?} for {right:?} went unnoticed");
    }
}
