//! Tokens: who gets in, and everybody who must not.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that overflows or finds nothing has to fail"
)]

pub mod seeds;

use std::slice;

use base64ct::{Base64UrlUnpadded, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use fastrand::Rng;
use hmac::{Hmac, KeyInit, Mac};
use hongbao_core::token::{
    AUDIENCE_OPERATOR, AUDIENCE_PEOPLE, Claims, GROUPS_MAX, Key, LEEWAY_S, Person, TOKEN_MAX_BYTES, parse_keys, verify,
};
use hongbao_core::{Error, GroupId};
use seeds::for_seeds;
use serde_json::{Value, json};
use sha2::Sha256;

const NOW_S: i64 = 1_800_000_000;
const NOW_MS: i64 = NOW_S * 1000;
const SECRET: [u8; 32] = [7; 32];

/// How a token of the tests is signed.
#[derive(Clone, Copy)]
enum Signs<'a> {
    Hs256(&'a [u8]),
    EdDsa(&'a SigningKey),
    Raw(&'a [u8]),
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}

/// A token made without the crate, so that the crate's own `sign` is not its only witness.
fn token(header: &Value, claims: &Value, signs: Signs<'_>) -> String {
    let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = match signs {
        Signs::Hs256(secret) => {
            let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret).expect("any length");
            mac.chain_update(&signed).finalize().into_bytes().to_vec()
        }
        Signs::EdDsa(key) => key.sign(signed.as_bytes()).to_bytes().to_vec(),
        Signs::Raw(bytes) => bytes.to_vec(),
    };
    format!("{signed}.{}", encode(signature))
}

fn claims() -> Value {
    json!({"sub": "us_bob", "groups": ["g_1"], "aud": "hongbao", "exp": NOW_S + 60})
}

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn ed_key(public: &[u8]) -> Key {
    let mut keys = parse_keys(&format!("ed:EdDSA:{}", encode(public))).expect("a key");
    keys.remove(0)
}

/// Both algorithms at once: an HS256 key `hs` and an EdDSA key `ed`.
fn keys() -> Vec<Key> {
    vec![
        Key::hs256("hs", AUDIENCE_PEOPLE, &SECRET).expect("long enough"),
        ed_key(signing_key().verifying_key().as_bytes()),
    ]
}

fn read(token: &str) -> Result<Claims, Error> {
    verify(&keys(), token, AUDIENCE_PEOPLE, NOW_MS)
}

fn assert_refused(token: &str, what: &str) {
    assert_eq!(read(token), Err(Error::Unauthenticated), "{what}: {token}");
}

#[test]
fn a_token_of_either_algorithm_names_its_person() {
    let ed = signing_key();
    for (header, signs) in [
        (json!({"alg": "HS256"}), Signs::Hs256(&SECRET)),
        (json!({"alg": "HS256", "kid": "hs", "typ": "JWT"}), Signs::Hs256(&SECRET)),
        (json!({"alg": "EdDSA", "kid": "ed"}), Signs::EdDsa(&ed)),
        (json!({"alg": "Ed25519", "kid": "ed"}), Signs::EdDsa(&ed)),
        (json!({"alg": "EdDSA", "typ": "at+jwt", "jku": "https://evil.example"}), Signs::EdDsa(&ed)),
    ] {
        let person = read(&token(&header, &claims(), signs)).and_then(Person::try_from).expect("valid");
        assert_eq!((person.user.as_str(), person.company), ("us_bob", false));
        assert_eq!(person.groups, [GroupId::parse("g_1").expect("valid")]);
    }
}

#[test]
fn what_a_key_signs_it_verifies() {
    let groups = vec![GroupId::parse("g_1").expect("valid")];
    let (sub, aud, exp) = ("us_bob".to_owned(), AUDIENCE_PEOPLE.to_owned(), NOW_S + 60);
    let claims = Claims { sub, groups, company: true, since: Some(7), aud, exp, nbf: Some(NOW_S) };
    let token = keys()[0].sign(&claims).expect("HS256 signs");
    assert_eq!(read(&token), Ok(claims.clone()));
    assert_eq!(keys()[1].sign(&claims), None, "a public key signs nothing");
    let operator = Claims { aud: AUDIENCE_OPERATOR.to_owned(), ..claims };
    assert_eq!(keys()[0].sign(&operator), None, "a key of people makes no operator");
}

#[test]
fn a_token_is_good_from_nbf_until_exp_with_a_leeway() {
    let cases = [
        (json!({"exp": NOW_S + 1}), true),
        (json!({"exp": NOW_S - LEEWAY_S + 1}), true),
        (json!({"exp": 1_799_999_941.5}), true),
        (json!({"exp": NOW_S - LEEWAY_S}), false),
        (json!({"exp": 1_799_999_940.5}), false),
        (json!({"exp": 0}), false),
        (json!({"exp": -0.0}), false),
        (json!({"exp": 1e-9}), false),
        (json!({"exp": -1e300}), false),
        (json!({"exp": i64::MIN}), false),
        (json!({"exp": i64::MAX}), true),
        (json!({"exp": u64::MAX}), true),
        (json!({"exp": 1e300}), true),
        (json!({"exp": 1.9e9}), true),
        (json!({"nbf": NOW_S}), true),
        (json!({"nbf": NOW_S + LEEWAY_S}), true),
        (json!({"nbf": 1_800_000_060.999}), true),
        (json!({"nbf": NOW_S + LEEWAY_S + 1}), false),
        (json!({"nbf": i64::MAX}), false),
        (json!({"nbf": 1e300}), false),
        (json!({"nbf": -1e300}), true),
        (json!({"nbf": i64::MIN}), true),
        (json!({"nbf": null}), true),
    ];
    for (change, is_good) in cases {
        let token = token(&json!({"alg": "HS256"}), &changed(claims(), &change), Signs::Hs256(&SECRET));
        for now_ms in [NOW_MS, NOW_MS + 999] {
            assert_eq!(verify(&keys(), &token, AUDIENCE_PEOPLE, now_ms).is_ok(), is_good, "{change} at {now_ms}");
        }
    }
}

/// `claims` with the fields of `change` in place of its own.
fn changed(mut claims: Value, change: &Value) -> Value {
    let fields = claims.as_object_mut().expect("an object");
    fields.extend(change.as_object().expect("an object").clone());
    claims
}

#[test]
fn a_token_is_for_one_audience() {
    let audiences = [AUDIENCE_PEOPLE, AUDIENCE_OPERATOR];
    let both = audiences.map(|audience| Key::hs256("hs", audience, &SECRET).expect("long enough"));
    for (aud, expected) in audiences.into_iter().flat_map(|aud| audiences.map(|expected| (aud, expected))) {
        for claim in [json!(aud), json!([aud]), json!(["account", aud, "x"])] {
            let claims = changed(claims(), &json!({ "aud": claim }));
            let token = token(&json!({"alg": "HS256"}), &claims, Signs::Hs256(&SECRET));
            assert_eq!(verify(&both, &token, expected, NOW_MS).is_ok(), aud == expected, "{aud} for {expected}");
            let of_people = verify(&both[..1], &token, expected, NOW_MS);
            assert_eq!(of_people.is_ok(), aud == expected && aud == AUDIENCE_PEOPLE, "the key speaks for people");
        }
    }
    let wrong = [
        "\"hongbao \"",
        "\"HONGBAO\"",
        "\"\"",
        "null",
        "[]",
        "[\"a\"]",
        "[[\"hongbao\"]]",
        "[\"hongbao\", 1]",
        "{}",
        "1",
    ];
    for aud in wrong.map(|text| serde_json::from_str::<Value>(text).expect("JSON")) {
        let claims = changed(claims(), &json!({ "aud": aud }));
        assert_refused(&token(&json!({"alg": "HS256"}), &claims, Signs::Hs256(&SECRET)), "audience");
    }
}

#[test]
fn a_token_without_an_algorithm_of_ours_is_refused() {
    let algorithms = [
        "none", "None", "NONE", "", "hs256", "HS256 ", "HS384", "HS512", "RS256", "ES256", "eddsa", "ed25519", "Ed448",
    ];
    for alg in algorithms {
        for signs in [Signs::Raw(b""), Signs::Hs256(&SECRET), Signs::EdDsa(&signing_key())] {
            assert_refused(&token(&json!({ "alg": alg }), &claims(), signs), alg);
        }
    }
    for header in [json!({}), json!({"alg": null}), json!({"alg": ["HS256"]}), json!("HS256"), json!(null)] {
        assert_refused(&token(&header, &claims(), Signs::Hs256(&SECRET)), "header");
    }
}

/// The classic swap: the public key is no secret, so it must never serve as one.
#[test]
fn a_public_key_is_never_taken_for_a_secret() {
    let ed = signing_key();
    let public = ed.verifying_key();
    let only_ed = [ed_key(public.as_bytes())];
    let text = encode(public.as_bytes());
    for secret in [public.as_bytes().as_slice(), text.as_bytes()] {
        for header in [
            json!({"alg": "HS256"}),
            json!({"alg": "HS256", "kid": "ed"}),
            json!({"alg": "EdDSA"}),
            json!({"alg": "Ed25519"}),
        ] {
            let token = token(&header, &claims(), Signs::Hs256(secret));
            assert_eq!(verify(&only_ed, &token, AUDIENCE_PEOPLE, NOW_MS), Err(Error::Unauthenticated), "{header}");
            assert_refused(&token, "swapped");
        }
    }
    assert_refused(&token(&json!({"alg": "HS256", "kid": "hs"}), &claims(), Signs::EdDsa(&ed)), "swapped");
    assert_refused(&token(&json!({"alg": "EdDSA", "kid": "hs"}), &claims(), Signs::EdDsa(&ed)), "another's id");
}

/// A key of small order verifies anything under lax rules; `verify_strict` is why it does not here.
#[test]
fn a_key_of_small_order_verifies_nothing() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let token = token(&json!({"alg": "EdDSA"}), &claims(), Signs::Raw(&signature));
    assert_eq!(verify(&[ed_key(&identity)], &token, AUDIENCE_PEOPLE, NOW_MS), Err(Error::Unauthenticated));
}

#[test]
fn a_token_that_demands_an_extension_is_refused() {
    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!("b64"), json!(null)] {
        let header = json!({"alg": "HS256", "crit": crit, "b64": false});
        assert_refused(&token(&header, &claims(), Signs::Hs256(&SECRET)), "crit");
    }
}

#[test]
fn both_live_keys_are_good_and_a_retired_one_is_not() {
    let (old, new, stranger) = ([1; 32], [2; 32], [3; 32]);
    let old_key = Key::hs256("2026-01", AUDIENCE_PEOPLE, &old).expect("a key");
    let new_key = Key::hs256("2026-02", AUDIENCE_PEOPLE, &new).expect("a key");
    let both = [old_key, new_key.clone()];
    let make = |kid: Option<&str>, secret: &[u8]| {
        let header = kid.map_or_else(|| json!({"alg": "HS256"}), |kid| json!({"alg": "HS256", "kid": kid}));
        token(&header, &claims(), Signs::Hs256(secret))
    };
    let cases = [
        (make(Some("2026-01"), &old), true, false),
        (make(Some("2026-02"), &new), true, true),
        (make(None, &old), true, false),
        (make(None, &new), true, true),
        (make(Some("2026-01"), &new), false, false), // The id names a key, and that key did not sign.
        (make(Some("2026-02"), &old), false, false),
        (make(Some("2026-03"), &new), false, false),
        (make(Some(""), &new), false, false),
        (make(Some("2026-02"), &stranger), false, false),
        (make(None, &stranger), false, false),
    ];
    for (token, while_both_live, once_the_old_retired) in cases {
        let is_good = |keys: &[Key]| verify(keys, &token, AUDIENCE_PEOPLE, NOW_MS).is_ok();
        assert_eq!(is_good(&both), while_both_live, "{token}");
        assert_eq!(is_good(slice::from_ref(&new_key)), once_the_old_retired, "{token}");
        assert!(!is_good(&[]), "{token}");
    }
}

#[test]
fn a_token_changed_at_any_position_is_refused() {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n";
    let ed = signing_key();
    let hs256 = token(&json!({"alg": "HS256", "kid": "hs"}), &claims(), Signs::Hs256(&SECRET));
    let eddsa = token(&json!({"alg": "EdDSA", "kid": "ed"}), &claims(), Signs::EdDsa(&ed));
    for good in [hs256, eddsa] {
        assert!(read(&good).is_ok());
        for position in 0..good.len() {
            let (before, after) = (&good[..position], &good[position + 1..]);
            assert_refused(&format!("{before}{after}"), "a byte lost");
            assert_refused(before, "cut off");
            assert_refused(&format!("{before}A{}", &good[position..]), "a byte more");
            for letter in LETTERS.iter().copied().map(char::from) {
                if !good[position..].starts_with(letter) {
                    assert_refused(&format!("{before}{letter}{after}"), "a byte changed");
                }
            }
        }
        for end in ["=", "==", ".", "A", "\n", "\0", "é"] {
            assert_refused(&format!("{good}{end}"), "something after it");
        }
    }
}

#[test]
fn a_signature_does_not_make_nonsense_into_claims() {
    let wrong = [
        json!(null),
        json!("us_bob"),
        json!([]),
        json!({}),
        json!({"sub": null}),
        json!({"sub": 7}),
        json!({"exp": "1900000000"}),
        json!({"exp": null}),
        json!({"exp": [1_900_000_000]}),
        json!({"exp": true}),
        json!({"nbf": "0"}),
        json!({"nbf": false}),
    ];
    for (number, change) in wrong.into_iter().enumerate() {
        let claims = if number < 4 { change } else { changed(claims(), &change) };
        assert_refused(&token(&json!({"alg": "HS256"}), &claims, Signs::Hs256(&SECRET)), &claims.to_string());
    }
    for sub in ["bob", "us_", "us_b b", "g_1", "", "operator"] {
        let token = token(&json!({"alg": "HS256"}), &changed(claims(), &json!({ "sub": sub })), Signs::Hs256(&SECRET));
        assert_eq!(read(&token).and_then(Person::try_from), Err(Error::Unauthenticated), "{sub}");
    }
}

/// What other services put into a token says nothing here, and refuses nobody.
#[test]
fn what_is_not_of_ours_is_ignored() {
    let many: Vec<String> = (0..1_200).map(|number| format!("g_{number}")).collect();
    let cases = [
        (json!({"groups": ["admins", "g_1", "", "us_bob", 7, null, ["g_2"], {"id": "g_3"}, "g_ 4", "g_5"]}), 2),
        (json!({"groups": "g_1"}), 1),
        (json!({"groups": "admins"}), 0),
        (json!({"groups": {"g_1": true}}), 0),
        (json!({"groups": null}), 0),
        (json!({"groups": []}), 0),
        (json!({"groups": many}), GROUPS_MAX),
        (json!({"scope": "openid", "realm_access": {"roles": ["x"]}, "iat": "yesterday", "amr": [1.5, null]}), 1),
        (json!({"since": "2019-01-01", "company": "Example Ltd"}), 1),
        (json!({"company": 1, "since": [1]}), 1),
    ];
    for (change, groups) in cases {
        let token = token(&json!({"alg": "HS256"}), &changed(claims(), &change), Signs::Hs256(&SECRET));
        let person = read(&token).and_then(Person::try_from).unwrap_or_else(|error| panic!("{change}: {error:?}"));
        assert_eq!((person.groups.len(), person.company, person.since), (groups, false, None), "{change}");
    }
    let known = changed(claims(), &json!({"company": true, "since": 1_700_000_000.25}));
    let person = read(&token(&json!({"alg": "HS256"}), &known, Signs::Hs256(&SECRET))).and_then(Person::try_from);
    assert_eq!(person.map(|person| (person.company, person.since)), Ok((true, Some(1_700_000_000))));
    let long = changed(claims(), &json!({"x": "x".repeat(TOKEN_MAX_BYTES)}));
    assert_refused(&token(&json!({"alg": "HS256"}), &long, Signs::Hs256(&SECRET)), "too long");
}

/// A token of this text, signed with the secret.
fn written(header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&SECRET).expect("any length");
    format!("{signed}.{}", encode(mac.chain_update(&signed).finalize().into_bytes()))
}

/// However odd: what is no text, no number and no end of lists.
#[test]
fn an_odd_value_where_ours_might_be_is_no_value_of_ours() {
    let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    let odd = ["\"\\ud800\"", "\"\\udc00x\"", "1e400", "-1e400", "{\"\\ud800\":1}", "[[1e400]]", deep.as_str()];
    for value in odd {
        for (members, groups) in [
            (format!("\"groups\":[\"g_1\",{value},\"g_\\u0032\"]"), 2),
            (format!("\"groups\":{value}"), 0),
            (format!("\"company\":{value},\"since\":{value}"), 0),
            (format!("\"x\":{value}"), 0),
        ] {
            let claims = format!(r#"{{"sub":"us_bob","aud":"hongbao","exp":1900000000,{members}}}"#);
            let person = read(&written(r#"{"alg":"HS256"}"#, &claims)).and_then(Person::try_from);
            let person = person.unwrap_or_else(|error| panic!("{members:.60}: {error:?}"));
            assert_eq!((person.groups.len(), person.company, person.since), (groups, false, None), "{members:.60}");
        }
    }
}

/// A list of the right values is no object.
#[test]
fn header_and_claims_are_objects() {
    let (header, claims) = (r#" {"alg":"HS256"}"#, r#" {"sub":"us_bob","aud":"hongbao","exp":1900000000}"#);
    assert!(read(&written(header, claims)).is_ok());
    for header in [r#"["HS256"]"#, r#"["HS256",null]"#, r#"["HS256",null,false]"#] {
        assert_refused(&written(header, claims), header);
    }
    for claims in [r#"["us_bob","hongbao",1900000000]"#, r#"["us_bob","hongbao",1900000000,null,["g_1"],true,0]"#] {
        assert_refused(&written(header, claims), claims);
    }
}

/// Which of two values would hold is a matter of taste, so neither does (RFC 7519, 4).
#[test]
fn a_claim_that_is_there_twice_refuses_the_token() {
    for text in [
        r#"{"sub":"us_bob","sub":"us_eve","aud":"hongbao","exp":1900000000}"#,
        r#"{"sub":"us_bob","aud":"hongbao","aud":"x","exp":1900000000}"#,
        r#"{"sub":"us_bob","aud":"hongbao","exp":1,"exp":1900000000}"#,
        r#"{"sub":"us_bob","aud":"hongbao","exp":1900000000,"groups":["g_1"],"groups":["g_2"]}"#,
    ] {
        assert_refused(&written(r#"{"alg":"HS256"}"#, text), text);
    }
}

#[test]
fn garbage_is_refused_and_never_panics() {
    let deep = "[".repeat(100_000);
    let pieces = ["", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.e30", "\0", "é.é.é", "====", &deep];
    let wraps: [fn(&str) -> String; 3] =
        [str::to_owned, |piece| encode(piece), |piece| format!("{0}.{0}.{0}", encode(piece))];
    for (piece, wrap) in pieces.iter().flat_map(|piece| wraps.map(|wrap| (piece, wrap))) {
        assert_refused(&wrap(piece), "garbage");
    }
    for_seeds(20_000, |random| {
        let token = garbage(random);
        for now_ms in [NOW_MS, i64::MIN, i64::MAX] {
            assert_eq!(verify(&keys(), &token, AUDIENCE_PEOPLE, now_ms), Err(Error::Unauthenticated), "{token:?}");
        }
    });
}

/// Something that resembles a token more or less.
fn garbage(random: &mut Rng) -> String {
    const WORDS: &[&str] = &[
        "{",
        "}",
        "\"alg\"",
        ":",
        "\"HS256\"",
        "\"EdDSA\"",
        ",",
        "null",
        "[",
        "]",
        "1e999",
        "\\u0000",
        "\"sub\"",
        "-",
    ];
    let part = |random: &mut Rng| match random.u8(..4) {
        0 => encode((0..random.usize(..12)).map(|_| *random.choice(WORDS).expect("some")).collect::<String>()),
        1 => encode((0..random.usize(..100)).map(|_| random.u8(..)).collect::<Vec<u8>>()),
        2 => (0..random.usize(..40)).map(|_| random.char(..)).collect(),
        _ => encode(r#"{"alg":"HS256"}"#),
    };
    let parts: Vec<String> = (0..random.usize(1..5)).map(|_| part(random)).collect();
    parts.join(".")
}

#[test]
fn the_variable_with_the_keys_is_read_strictly() {
    let (secret, public) = (encode(SECRET), encode(signing_key().verifying_key().as_bytes()));
    let good = [
        format!("a:HS256:{secret}"),
        format!("a:HS256:{secret},b:EdDSA:{public}"),
        format!(" a:HS256:{secret} , b:HS256:{secret} "),
        format!("a:HS256:{secret}:people,a:EdDSA:{public}:operators"),
    ];
    for (count, text) in [1, 2, 2, 2].into_iter().zip(good) {
        assert_eq!(parse_keys(&text).map(|keys| keys.len()), Ok(count), "{text}");
    }
    let wrong = [
        String::new(),
        ",".to_owned(),
        secret.clone(),
        format!("HS256:{secret}"),
        format!("a:HS512:{secret}"),
        format!("a:none:{secret}"),
        format!("a:HS256:{secret}="),
        format!("a:HS256:{}", encode([7; 31])),
        format!("a:HS256:{secret},"),
        format!(":HS256:{secret}"),
        format!("a:HS256:{secret}:"),
        format!("a:HS256:{secret}:operator"),
        format!("a:HS256:{secret}:people:operators"),
        format!("a:HS256:{secret}: operators"),
        format!("a:HS256:{secret},a:HS256:{secret}"),
        format!("a:HS256:{secret}:operators,a:EdDSA:{public}:operators"),
        format!("a:EdDSA:{}", encode([7; 31])),
        format!("a:EdDSA:{}", encode([7; 33])),
        format!("a:EdDSA:{}", encode([2; 32])), // No point of the curve.
    ];
    for text in wrong {
        let problem = parse_keys(&text).err().unwrap_or_else(|| panic!("{text} was read"));
        assert!(!problem.contains(&secret), "a problem never shows a key");
    }
}
