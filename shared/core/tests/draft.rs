//! What a new packet may be: every bound, one step inside it and one step outside.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that finds nothing has to fail")]

use hongbao_core::draft::{self, Limits};
use hongbao_core::json::{Whole, decode};
use hongbao_core::packet::Recipient;
use hongbao_core::split::Kind;
use hongbao_core::token::Person;
use hongbao_core::wire::WrapRequest;
use hongbao_core::{Error, Fen, GroupId, UserId};
use serde_json::{Value, json};

const NOW_MS: i64 = 1_800_000_000_000;
const LIMITS: Limits = Limits {
    share_average_fen: 20_000,
    count: 100,
    count_company: 10_000,
    daily_send_fen: 10_000_000,
    daily_send_count: 1_000,
};

/// A packet that breaks no rule: each case changes one thing.
fn request() -> WrapRequest {
    WrapRequest {
        kind: Kind::Lucky,
        total_fen: whole(1000),
        count: whole(5),
        to: group(),
        greeting: None,
        cover: None,
        password: None,
        starts_at_ms: None,
        expires_in_s: None,
    }
}

fn whole<const MIN: i64, const MAX: i64>(number: i64) -> Whole<MIN, MAX> {
    Whole::new(number).expect("in the type's bounds")
}

fn group() -> Recipient {
    Recipient::Group(GroupId::parse("g_1").expect("valid"))
}

fn bob() -> Recipient {
    Recipient::User(UserId::parse("us_bob").expect("valid"))
}

fn amounts(total_fen: i64, count: i64) -> WrapRequest {
    WrapRequest { total_fen: whole(total_fen), count: whole(count), ..request() }
}

fn to_bob(count: i64) -> WrapRequest {
    WrapRequest { to: bob(), ..amounts(1000, count) }
}

fn greeting(text: &str) -> WrapRequest {
    WrapRequest { greeting: Some(text.to_owned()), ..request() }
}

fn password(text: &str) -> WrapRequest {
    WrapRequest { password: Some(text.to_owned()), ..request() }
}

fn cover(text: &str) -> WrapRequest {
    WrapRequest { cover: Some(text.to_owned()), ..request() }
}

fn starting(starts_at_ms: i64) -> WrapRequest {
    WrapRequest { starts_at_ms: Some(whole(starts_at_ms)), ..request() }
}

fn check(request: &WrapRequest) -> Result<(), Error> {
    draft::check(request, &LIMITS, false, NOW_MS)
}

#[test]
fn what_is_inside_the_bounds_is_accepted() {
    let week = draft::SCHEDULE_MAX_MS;
    let cases = [
        request(),
        amounts(1, 1),
        amounts(100, 100),
        amounts(2_000_000, 100),
        amounts(20_000, 1),
        to_bob(1),
        greeting("恭"),
        greeting(&"恭".repeat(200)),
        greeting("🧧 spaces, \"quotes\" and <tags> are text"),
        greeting("\u{2067}שלום\u{2069} \u{200E}!"),
        password("1"),
        password(&"密".repeat(32)),
        cover("a"),
        cover("dragon-2026_gold"),
        cover(&"a".repeat(32)),
        starting(NOW_MS),
        starting(NOW_MS + week),
    ];
    for request in cases {
        assert_eq!(check(&request), Ok(()), "{request:?}");
    }
}

#[test]
fn what_no_packet_may_have_names_its_field() {
    let week = draft::SCHEDULE_MAX_MS;
    let cases = [
        (amounts(1, 2), "total_fen"),
        (amounts(99, 100), "total_fen"),
        (to_bob(2), "count"),
        (to_bob(10_000), "total_fen"), // 1,000 fen cannot be 10,000 shares for anybody.
        (greeting(""), "greeting"),
        (greeting(&"恭".repeat(201)), "greeting"),
        (greeting("a\nb"), "greeting"),
        (greeting("a\0"), "greeting"),
        (greeting("\u{7f}"), "greeting"),
        (greeting("a\u{2029}b"), "greeting"),
        (greeting("\u{200B}\u{3164} "), "greeting"),
        (greeting("\u{202E}gnitirw"), "greeting"),
        (greeting("\u{2066}left open"), "greeting"),
        (password("\u{2800}\u{FE0F}"), "password"),
        (greeting("\u{85}"), "greeting"),
        (password(""), "password"),
        (password(&"密".repeat(33)), "password"),
        (password("\t"), "password"),
        (cover(""), "cover"),
        (cover(&"a".repeat(33)), "cover"),
        (cover("Dragon"), "cover"),
        (cover("a.b"), "cover"),
        (cover("../a"), "cover"),
        (cover("龙"), "cover"),
        (starting(NOW_MS - 1), "starts_at_ms"),
        (starting(0), "starts_at_ms"),
        (starting(NOW_MS + week + 1), "starts_at_ms"),
    ];
    for (request, expected) in cases {
        match check(&request) {
            Err(Error::Invalid { field, bound }) => {
                assert_eq!(field, expected, "{request:?}");
                assert!(bound.starts_with("must "), "{bound}");
            }
            other => panic!("{other:?}: {request:?}"),
        }
    }
}

#[test]
fn a_packet_is_for_ones_own_group_or_another_person() {
    let member = |groups: &[&str]| Person {
        user: UserId::parse("us_alice").expect("valid"),
        groups: groups.iter().map(|group| GroupId::parse(group).expect("valid")).collect(),
        company: false,
        since: None,
    };
    let alice = Recipient::parse("us_alice").expect("valid");
    for (to, sender, expected) in [
        (group(), member(&["g_1"]), Ok(())),
        (group(), member(&["g_0", "g_1"]), Ok(())),
        (group(), member(&[]), Err(404)),
        (group(), member(&["g_11"]), Err(404)),
        (bob(), member(&[]), Ok(())),
        (alice, member(&["g_1"]), Err(400)),
    ] {
        let checked = draft::check_recipient(&to, &sender).map_err(|refused| refused.told());
        assert_eq!(checked.clone().map_err(|told| told.status), expected, "{to:?} from {sender:?}");
        assert!(checked.err().is_none_or(|told| told.status == 404 || told.field.as_deref() == Some("to")));
    }
}

#[test]
fn what_is_above_a_limit_names_the_limit() {
    let limit = |limit, bound| Err(Error::LimitExceeded { limit, bound });
    let count = limit("limit_count", 100);
    let company = limit("limit_count_company", 5_000);
    let average = limit("limit_share_average_fen", 20_000);
    let cases = [
        (amounts(101, 101), false, count.clone()),
        (amounts(10_000, 10_000), false, count),
        (amounts(101, 101), true, Ok(())),
        (amounts(5_000, 5_000), true, Ok(())),
        (amounts(5_001, 5_001), true, company),
        (amounts(20_001, 1), false, average.clone()),
        (amounts(2_000_001, 100), false, average.clone()),
        (amounts(100_000_000, 5_000), true, Ok(())),
        (amounts(100_000_001, 5_000), true, average.clone()),
        (amounts(Fen::MAX.get(), 1), false, average),
    ];
    let limits = Limits { count_company: 5_000, ..LIMITS };
    for (request, is_company, expected) in cases {
        assert_eq!(draft::check(&request, &limits, is_company, NOW_MS), expected, "{request:?}");
    }
}

#[test]
fn extreme_limits_and_times_do_not_overflow() {
    let open = Limits { share_average_fen: i64::MAX, count: i64::MAX, ..LIMITS };
    assert_eq!(draft::check(&amounts(Fen::MAX.get(), 10_000), &open, false, NOW_MS), Ok(()));
    let shut = Limits { share_average_fen: 0, ..LIMITS };
    assert!(draft::check(&request(), &shut, false, NOW_MS).is_err());
    for now_ms in [i64::MIN, 0, i64::MAX] {
        assert!(draft::check(&starting(NOW_MS), &LIMITS, false, now_ms).is_err(), "{now_ms}");
    }
    assert_eq!(draft::check(&starting(0), &LIMITS, false, 0), Ok(()));
}

#[test]
fn a_packet_lives_as_asked_or_a_day() {
    assert_eq!(draft::lifetime_ms(&request()), 86_400_000);
    assert_eq!(draft::lifetime_ms(&WrapRequest { expires_in_s: Some(whole(1)), ..request() }), 1_000);
    assert_eq!(draft::total(&amounts(Fen::MAX.get(), 1)), Ok(Fen::MAX));
}

/// The bounds that the types of the body hold, from the outside.
#[test]
fn a_body_outside_the_bounds_names_its_field() {
    let body = |change: Value| {
        let mut body = json!({"kind": "lucky", "total_fen": 1000, "count": 5, "to": {"group": "g_1"}});
        let fields = body.as_object_mut().expect("an object");
        fields.extend(change.as_object().expect("an object").clone());
        decode::<WrapRequest>(body.to_string().as_bytes())
    };
    assert_eq!(body(json!({})), Ok(request()));
    let accepted = [
        json!({"total_fen": 1, "count": 1}),
        json!({"total_fen": Fen::MAX.get(), "count": 10_000}),
        json!({"expires_in_s": 1}),
        json!({"expires_in_s": 86_400}),
        json!({"starts_at_ms": 253_402_300_799_999_i64}),
        json!({"to": {"user": "us_bob"}}),
    ];
    for change in accepted {
        assert!(body(change.clone()).is_ok(), "{change}");
    }
    let refused = [
        (json!({"total_fen": 0}), "total_fen"),
        (json!({"total_fen": -1}), "total_fen"),
        (json!({"total_fen": Fen::MAX.get() + 1}), "total_fen"),
        (json!({"total_fen": 10.5}), "total_fen"),
        (json!({"total_fen": "1000"}), "total_fen"),
        (json!({"count": 0}), "count"),
        (json!({"count": 10_001}), "count"),
        (json!({"kind": "unlucky"}), "kind"),
        (json!({"kind": "Lucky"}), "kind"),
        (json!({"to": {"group": "us_bob"}}), "to.group"),
        (json!({"to": {"user": "g_1"}}), "to.user"),
        (json!({"to": {"city": "g_1"}}), "to"),
        (json!({"to": {"group": "g_1", "user": "us_bob"}}), "to"),
        (json!({"to": null}), "to"),
        (json!({"expires_in_s": 0}), "expires_in_s"),
        (json!({"expires_in_s": 86_401}), "expires_in_s"),
        (json!({"starts_at_ms": -1}), "starts_at_ms"),
        (json!({"starts_at_ms": 253_402_300_800_000_i64}), "starts_at_ms"),
        (json!({"greeting": 8}), "greeting"),
        (json!({"greeting": null}), "greeting"),
        (json!({"cover": null}), "cover"),
        (json!({"password": null}), "password"),
        (json!({"starts_at_ms": null}), "starts_at_ms"),
        (json!({"expires_in_s": null}), "expires_in_s"),
        (json!({"total": 1000}), "total"),
    ];
    for (change, expected) in refused {
        let told = body(change.clone()).expect_err("refused").told();
        assert_eq!((told.status, told.code), (400, "invalid_request"), "{change}");
        let field = told.field.unwrap_or_default();
        assert!(field == expected || field.starts_with(&format!("{expected}.")), "{change} names {field}");
    }
}
