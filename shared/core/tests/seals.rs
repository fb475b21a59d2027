//! Quotes and vouchers: good for what they were sealed for, and for nothing else.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that overflows or finds nothing has to fail"
)]

pub mod seeds;

use base64ct::{Base64UrlUnpadded, Encoding};
use fastrand::Rng;
use hmac::{Hmac, KeyInit, Mac};
use hongbao_core::json::Whole;
use hongbao_core::packet::Recipient;
use hongbao_core::quote::{Quote, VALID_MS};
use hongbao_core::sign::{Domain, SigningKey, SigningKeys, parse_hex};
use hongbao_core::split::Kind;
use hongbao_core::voucher::Voucher;
use hongbao_core::wire::WrapRequest;
use hongbao_core::{Error, Fen, GroupId, PacketId, UserId};
use seeds::for_seeds;
use sha2::Sha256;

const NOW_MS: i64 = 1_800_000_000_000;

fn key() -> SigningKeys {
    SigningKeys::from(SigningKey::new(&[3; 32]))
}

fn other_key() -> SigningKeys {
    SigningKeys::from(SigningKey::new(&[4; 32]))
}

/// The bytes of a sealed text, behind the key's name.
fn bytes_of(sealed: &str) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(sealed.split_once('.').expect("a key's name").1).expect("base64url")
}

/// A text as it was sealed before keys had names.
fn unnamed(sealed: &str) -> String {
    sealed.split_once('.').expect("a key's name").1.to_owned()
}

fn bob() -> UserId {
    UserId::parse("us_bob").expect("valid")
}

fn packet() -> PacketId {
    PacketId::new(1_800_000_000_000, 2, 0x0123_4567_89ab_cdef)
}

fn voucher() -> Voucher {
    Voucher { packet: packet(), seq: 41, epoch: 7, expires_at_ms: NOW_MS + 1, user: bob() }
}

fn request() -> WrapRequest {
    WrapRequest {
        kind: Kind::Lucky,
        total_fen: Whole::new(1000).expect("in bounds"),
        count: Whole::new(5).expect("in bounds"),
        to: Recipient::Group(GroupId::parse("g_1").expect("valid")),
        greeting: Some("恭喜发财".to_owned()),
        cover: None,
        password: Some("芝麻开门".to_owned()),
        starts_at_ms: None,
        expires_in_s: Whole::new(60),
    }
}

fn quote() -> Quote {
    Quote::new(request(), bob(), packet(), &key(), NOW_MS).expect("in bounds")
}

fn read_voucher(text: &str) -> Result<Voucher, Error> {
    Voucher::unseal(&key(), text, packet(), &bob(), NOW_MS)
}

fn read_quote(text: &str) -> Result<Quote, Error> {
    Quote::unseal(&key(), text, &bob())
}

/// A text accepted by neither reader.
fn assert_refused(text: &str) {
    assert_eq!(read_voucher(text), Err(Error::InvalidVoucher), "{text:?}");
    assert_eq!(read_quote(text), Err(Error::InvalidQuote), "{text:?}");
}

#[test]
fn what_was_sealed_is_read_back() {
    assert_eq!(read_voucher(&voucher().seal(&key())), Ok(voucher()));
    assert_eq!(read_quote(&quote().seal(&key()).expect("sealed")), Ok(quote()));
}

#[test]
fn a_quote_says_what_was_asked() {
    let quote = quote();
    assert_eq!((quote.total, quote.count, quote.kind), (Fen::new(1000).expect("an amount"), 5, Kind::Lucky));
    assert_eq!((quote.lifetime_ms, quote.expires_at_ms), (60_000, NOW_MS + VALID_MS));
    assert_eq!(quote.greeting.as_deref(), Some("恭喜发财"));
    let sealed = quote.seal(&key()).expect("sealed");
    let payload = bytes_of(&sealed);
    assert!(!String::from_utf8_lossy(&payload).contains("芝麻开门"), "a quote shows no password");
    let unlimited = WrapRequest { expires_in_s: None, ..request() };
    let day = Quote::new(unlimited, bob(), packet(), &key(), NOW_MS).expect("in bounds").lifetime_ms;
    assert_eq!(day, 24 * 3600 * 1000);
}

#[test]
fn a_packet_starts_when_it_is_sent_or_scheduled_whichever_is_later() {
    let at = |starts_at_ms| Quote { starts_at_ms, ..quote() };
    assert_eq!(at(None).start_ms(NOW_MS), NOW_MS);
    assert_eq!(at(Some(NOW_MS + 9)).start_ms(NOW_MS), NOW_MS + 9);
    assert_eq!(at(Some(NOW_MS - 9)).start_ms(NOW_MS), NOW_MS);
}

#[test]
fn a_quote_is_no_voucher_and_a_voucher_no_quote() {
    assert_eq!(read_voucher(&quote().seal(&key()).expect("sealed")), Err(Error::InvalidVoucher));
    assert_eq!(read_quote(&voucher().seal(&key())), Err(Error::InvalidQuote));
    // Nor when the payload of one is sealed as the other: then the payload has no meaning.
    let quote = serde_json::to_vec(&quote()).expect("JSON");
    assert_eq!(read_voucher(&key().seal(Domain::Quote, &quote)), Err(Error::InvalidVoucher));
    assert_refused(&key().seal(Domain::Password, &quote));
    assert_eq!(read_quote(&key().seal(Domain::Quote, b"{}")), Err(Error::InvalidQuote));
    assert_eq!(read_voucher(&key().seal(Domain::Voucher, b"")), Err(Error::InvalidVoucher));
    assert_eq!(read_voucher(&key().seal(Domain::Voucher, &[b'u'; 40])), Err(Error::InvalidVoucher));
}

#[test]
fn a_seal_is_good_for_its_user_packet_and_key_only() {
    let eve = UserId::parse("us_eve").expect("valid");
    let (sealed_voucher, sealed_quote) = (voucher().seal(&key()), quote().seal(&key()).expect("sealed"));
    assert_eq!(Quote::unseal(&key(), &sealed_quote, &eve), Err(Error::InvalidQuote));
    assert_eq!(Quote::unseal(&other_key(), &sealed_quote, &bob()), Err(Error::InvalidQuote));
    let read = |key: &SigningKeys, packet: PacketId, user: &UserId, now_ms: i64| {
        Voucher::unseal(key, &sealed_voucher, packet, user, now_ms)
    };
    assert_eq!(read(&key(), packet(), &eve, NOW_MS), Err(Error::InvalidVoucher));
    assert_eq!(read(&key(), PacketId::new(0, 0, 0), &bob(), NOW_MS), Err(Error::InvalidVoucher));
    assert_eq!(read(&other_key(), packet(), &bob(), NOW_MS), Err(Error::InvalidVoucher));
    assert_eq!(read(&key(), packet(), &bob(), NOW_MS + 1), Err(Error::Expired));
    assert_eq!(read(&key(), packet(), &bob(), i64::MAX), Err(Error::Expired));
    // Whose it is comes before whether it is in time: a stranger learns nothing of it.
    assert_eq!(read(&key(), packet(), &eve, NOW_MS + 1), Err(Error::InvalidVoucher));
}

/// Every bit of the sealed bytes, and every letter of the text.
#[test]
fn a_seal_changed_anywhere_is_refused() {
    for sealed in [voucher().seal(&key()), quote().seal(&key()).expect("sealed")] {
        let bytes = bytes_of(&sealed);
        for (position, bit) in (0..bytes.len()).flat_map(|position| (0..8).map(move |bit| (position, bit))) {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << bit;
            assert_refused(&Base64UrlUnpadded::encode_string(&changed));
            assert_refused(&format!("{}.{}", key().first().id(), Base64UrlUnpadded::encode_string(&changed)));
        }
        let letters: Vec<char> = sealed.chars().collect();
        let text = |letters: &[char]| letters.iter().collect::<String>();
        // The name before the point is no proof: behind it everything is.
        let first = sealed.find('.').expect("a key's name");
        for position in first..letters.len() {
            for letter in ['A', 'B', 'z', '-', '_', '=', '+', '/', ' ', '\n', '\0', 'é'] {
                let mut changed = letters.clone();
                changed.insert(position, letter);
                if position > first {
                    assert_refused(&text(&changed));
                }
                changed.remove(position + 1);
                if changed != letters {
                    assert_refused(&text(&changed));
                }
            }
            assert_refused(&text(&letters[..position]));
            // Without the name it is a seal from before keys had names: as good as it was.
            if letters[position] != '.' {
                assert_refused(&text(&letters[position + 1..]));
            }
        }
        assert_refused(&(sealed.clone() + "="));
        assert_refused(&(sealed.clone() + &sealed));
    }
}

#[test]
fn garbage_is_refused_and_never_panics() {
    for_seeds(20_000, |random| {
        let bytes: Vec<u8> = (0..random.usize(..200)).map(|_| random.u8(..)).collect();
        assert_refused(&Base64UrlUnpadded::encode_string(&bytes));
        assert_refused(&String::from_utf8_lossy(&bytes));
        // Well signed, and still nonsense.
        let short = bytes.get(..random.usize(..=bytes.len()).min(31)).expect("in bounds");
        assert_eq!(read_voucher(&key().seal(Domain::Voucher, short)), Err(Error::InvalidVoucher));
        assert_eq!(read_quote(&key().seal(Domain::Quote, &bytes)), Err(Error::InvalidQuote));
    });
}

#[test]
fn random_vouchers_read_back_whole() {
    for_seeds(2_000, |random| {
        let voucher = random_voucher(random);
        let text = voucher.seal(&key());
        let earlier = voucher.expires_at_ms.saturating_sub(1);
        let read = Voucher::unseal(&key(), &text, voucher.packet, &voucher.user, earlier);
        assert_eq!(read, Ok(voucher));
    });
}

fn random_voucher(random: &mut Rng) -> Voucher {
    let name: String = (0..random.usize(1..=60)).map(|_| random.alphanumeric()).collect();
    Voucher {
        packet: PacketId::from_bytes(random.u128(..).to_be_bytes()),
        seq: random.u32(..),
        epoch: random.u32(..),
        expires_at_ms: random.i64(i64::MIN + 1..),
        user: UserId::parse(&format!("us_{name}")).expect("valid"),
    }
}

#[test]
fn a_password_is_kept_per_packet_and_key() {
    let (keys, packet) = (key(), packet());
    let mac = keys.password_mac(packet, "open sesame");
    let id = keys.first().id();
    assert_eq!((mac.len(), mac.split_once('.').map(|(name, _)| name)), (id.len() + 33, Some(id)), "{mac}");
    assert_eq!(mac, keys.password_mac(packet, "Open sesame "), "as it is said");
    assert_ne!(mac, keys.password_mac(PacketId::new(0, 0, 0), "open sesame"));
    assert_ne!(mac, other_key().password_mac(packet, "open sesame"));
    assert!(keys.is_password(packet, &mac, "ｏｐｅｎ Sesame"));
    for (packet, guess) in [(packet, "open"), (packet, ""), (PacketId::new(0, 0, 0), "open sesame")] {
        assert!(!keys.is_password(packet, &mac, guess), "{guess}");
    }
    assert!(!other_key().is_password(packet, &mac, "open sesame"));
}

/// MACs from before keys had names: of the text as it was typed. Made by hand, as the first version made them.
#[test]
fn a_password_from_before_keys_had_names_is_still_known() {
    let old = |bytes: [u8; 32], text: &str| {
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&bytes).expect("any length");
        let mac = mac.chain_update(b"hongbao/password/1\0").chain_update(packet().bytes()).chain_update(text);
        mac.finalize().into_bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let keys = SigningKeys::parse(&format!("new:{},{}", "22".repeat(32), "03".repeat(32))).expect("keys");
    for (bytes, typed, guess, is_right) in [
        ([3; 32], "芝麻开门", "芝麻开门", true),
        ([3; 32], "芝麻开门", "芝麻开门 ", true),
        ([3; 32], "Open Sesame", "Open Sesame", true),
        ([3; 32], "1234", "１２３４", true),
        ([0x22; 32], "1234", "1234", true),
        ([3; 32], "1234", "1235", false),
        ([9; 32], "1234", "1234", false),
    ] {
        assert_eq!(keys.is_password(packet(), &old(bytes, typed), guess), is_right, "{typed} {guess}");
    }
}

/// MACs from before digits and signs of all keyboards were one, of the word as it was then.
#[test]
fn a_password_from_before_digits_and_signs_were_one_is_still_known() {
    let old = |word: &str| {
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&[3; 32]).expect("any length");
        let mac = mac.chain_update(b"hongbao/password/1\0").chain_update(packet().bytes()).chain_update(word);
        let hex = mac.finalize().into_bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        format!("{}.{hex}", key().first().id())
    };
    for (word, guess, is_right) in [
        ("١٢٣٤", "١٢٣٤", true),
        ("it’s 1–2", "it’s 1–2", false), // The word has no blanks.
        ("it’s1–2", "It’s 1–2", true),
        ("1234", "١٢٣٤", true),
        ("it’s", "its", false),
        ("١٢٣٤", "١٢٣٥", false),
    ] {
        assert_eq!(key().is_password(packet(), &old(word), guess), is_right, "{word} {guess}");
    }
}

#[test]
fn the_first_key_signs_and_all_verify() {
    let (old, new) = ("03".repeat(32), "04".repeat(32));
    let before = SigningKeys::parse(&old).expect("a key");
    let (sealed_quote, sealed_voucher) = (quote().seal(&before).expect("sealed"), voucher().seal(&before));
    let kept = before.password_mac(packet(), "word");
    let reads = |keys: &SigningKeys| {
        let all = [
            Quote::unseal(keys, &sealed_quote, &bob()).is_ok(),
            Quote::unseal(keys, &unnamed(&sealed_quote), &bob()).is_ok(),
            Voucher::unseal(keys, &sealed_voucher, packet(), &bob(), NOW_MS).is_ok(),
            Voucher::unseal(keys, &unnamed(&sealed_voucher), packet(), &bob(), NOW_MS).is_ok(),
            keys.is_password(packet(), &kept, "word"),
        ];
        assert!(all.iter().all(|read| *read == all[0]), "{all:?}");
        all[0]
    };
    let during = SigningKeys::parse(&format!("2027:{new}, {old}")).expect("keys");
    let after = SigningKeys::parse(&format!("2027:{new}")).expect("a key");
    assert_eq!([&before, &during, &after].map(reads), [true, true, false]);
    assert!(voucher().seal(&during).starts_with("2027."), "the first signs");
    assert!(during.password_mac(packet(), "word").starts_with("2027."));
    assert!(Voucher::unseal(&after, &voucher().seal(&during), packet(), &bob(), NOW_MS).is_ok());
    assert_eq!([&before, &during, &after].map(|keys| keys.decide(&sealed_quote)), [true, true, false]);
    assert!(!before.decide(&unnamed(&sealed_quote)), "it may be any key's");
    // A ledger's own key has no name but the one that follows from its bytes.
    let junk = unnamed(&sealed_quote);
    for name in ["2026.", "zz.", "k.", "kABCDEF01.", "k123456789."] {
        assert!(before.decide(&format!("{name}{junk}")), "{name}");
    }
    for short in ["", "k12345678.", "k12345678.AAAA", "AAAA", "k12345678.é"] {
        assert!(before.decide(short), "{short}");
    }
    assert!(!before.decide(&format!("k12345678.{junk}")));

    // The same bytes are the same key, whatever they are called.
    let renamed = [
        format!("2027:{new},2026:{old}"),
        format!("2026:{old}"),
        format!("x:{old},{new}"),
        format!("{}:{new},{old}", "k00000000"),
        format!("2026:{old},{old}"),
    ];
    let of_a_name = SigningKeys::parse(&format!("2026:{old}")).expect("a key");
    let names = [before.clone(), of_a_name, SigningKeys::parse(&format!("2025:{old}")).expect("a key")];
    for then in &names {
        let (quote, voucher) = (quote().seal(then).expect("sealed"), voucher().seal(then));
        let kept = then.password_mac(packet(), "word");
        for now in renamed.iter().map(|text| SigningKeys::parse(text).expect("keys")).chain(names.clone()) {
            let name = then.first().id();
            assert!(Quote::unseal(&now, &quote, &bob()).is_ok(), "{name}");
            assert!(Voucher::unseal(&now, &voucher, packet(), &bob(), NOW_MS).is_ok(), "{name}");
            assert!(now.is_password(packet(), &kept, "word") && !now.is_password(packet(), &kept, "words"), "{name}");
            assert!(now.decide(&quote) && now.decide(&kept), "{name}: no other key need be looked for");
        }
        assert!(!reads(&after) && Quote::unseal(&after, &quote, &bob()).is_err(), "another key is another key");
        assert!(!after.is_password(packet(), &kept, "word"));
    }
    assert!(during.named(before.first().id()).is_some() && after.named(before.first().id()).is_none());
    let both = names[1].clone().and(SigningKey::parse(&old)).and(SigningKey::parse(&new));
    assert_eq!(both.all().map(SigningKey::id).collect::<Vec<_>>()[..1], ["2026"]);
    assert_eq!(both.all().count(), 2, "the same key is not added under another name");
}

/// A name is no proof, for and against: the MAC decides by which of the keys it is, whatever key it names; what is no name
/// is refused, and nothing panics.
#[test]
fn a_seal_that_names_another_key_is_refused() {
    let strange = SigningKeys::parse(&format!("a:{},b:{}", "05".repeat(32), "06".repeat(32))).expect("keys");
    let keys = SigningKeys::parse(&format!("a:{},b:{}", "03".repeat(32), "04".repeat(32))).expect("keys");
    for sealed in [voucher().seal(&keys), quote().seal(&keys).expect("sealed")] {
        let rest = unnamed(&sealed);
        for name in ["a", "b", "c", "A", "k12345678"] {
            let text = format!("{name}.{rest}");
            let quote = Quote::unseal(&keys, &text, &bob()).is_ok();
            assert!(quote || Voucher::unseal(&keys, &text, packet(), &bob(), NOW_MS).is_ok(), "{name:?}");
            let quote = Quote::unseal(&strange, &text, &bob()).is_ok();
            assert!(!quote && Voucher::unseal(&strange, &text, packet(), &bob(), NOW_MS).is_err(), "{name:?}");
        }
        for name in ["", "a.a", "a.", ".", "é", "a ", &"a".repeat(17), &"a".repeat(5_000)] {
            let text = format!("{name}.{rest}");
            assert_eq!(Voucher::unseal(&keys, &text, packet(), &bob(), NOW_MS), Err(Error::InvalidVoucher), "{name:?}");
            assert_eq!(Quote::unseal(&keys, &text, &bob()), Err(Error::InvalidQuote), "{name:?}");
        }
    }
    for kept in ["", ".", "c.00", "b.", "a.00", "é.é", "00"] {
        assert!(!keys.is_password(packet(), kept, "word"), "{kept}");
    }
}

#[test]
fn the_variable_with_the_signing_keys_is_read_strictly() {
    let (one, two) = ("03".repeat(32), "04".repeat(32));
    let ids = |text: &str| {
        let keys = SigningKeys::parse(text);
        keys.map(|keys| keys.all().map(|key| key.id().to_owned()).collect::<Vec<_>>())
    };
    let derived = SigningKey::new(&[3; 32]).id().to_owned();
    assert_eq!(derived.len(), 9);
    assert_eq!(ids(&one), Ok(vec![derived.clone()]), "a bare key has an id that follows from it");
    assert_eq!(ids(&format!("2026-b_1:{two} , {one}")), Ok(vec!["2026-b_1".to_owned(), derived.clone()]));
    let wrong = [
        String::new(),
        ",".to_owned(),
        format!("{one},"),
        format!("{one},{one}"),
        format!("{derived}:{two},{one}"),
        format!("a:{one},a:{two}"),
        format!(":{one}"),
        format!("a b:{one}"),
        format!("a.b:{one}"),
        format!("é:{one}"),
        format!("{}:{one}", "a".repeat(17)),
        format!("a:{}", &one[1..]),
        format!("a:HS256:{one}"),
        format!("{one}{two}"),
    ];
    for text in wrong {
        let problem = SigningKeys::parse(&text).err().unwrap_or_else(|| panic!("{text} was read"));
        assert!(!problem.contains(&one) && problem.starts_with("must "), "{problem}");
    }
}

#[test]
fn a_key_is_64_hexadecimal_digits_and_nothing_else() {
    let digits = "0123456789abcdefABCDEF00112233445566778899aabbccddeeff0011223344";
    assert_eq!(parse_hex(digits).map(|key| (key[0], key[8], key[31])), Some((0x01, 0xab, 0x44)));
    assert!(SigningKey::parse(digits).is_some());
    let wrong = [
        String::new(),
        digits[1..].to_owned(),
        format!("{digits}0"),
        digits.replacen('0', "g", 1),
        digits.replacen('0', " ", 1),
        digits.replacen("00", "é", 1),
        format!("+{}", &digits[1..]),
    ];
    for text in wrong {
        assert_eq!(parse_hex(&text), None, "{text}");
    }
}
