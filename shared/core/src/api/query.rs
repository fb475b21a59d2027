//! What a query may hold, and how it is read: each parameter at most once, in its own form, and no other.

use crate::id::ExceptionId;
use crate::wire::{COUNT_MAX, PAGE_MAX};
use crate::{Error, PacketId, year};

/// The entries of a page, unless the caller says otherwise.
pub const PAGE: i64 = 20;
/// The packets and accounts of one reconciliation, unless the caller says otherwise; and the most there may be.
const BOOKS: i64 = 10_000;
const BOOKS_MAX: i64 = 100_000;
/// The last moment that a place in a list of packets can name, Unix milliseconds: in the year 5138. A power of ten less
/// one, so that the description's pattern says the same.
pub(super) const CURSOR_MAX_MS: i64 = 99_999_999_999_999;
/// The longest name of an account.
pub(super) const ACCOUNT_MAX_CHARS: usize = 100;

/// A parameter of a query.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub form: Form,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it is for.
    pub about: &'static str,
}

/// The form of a parameter.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// A whole number.
    Number {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
        /// What holds when it is absent, where that is a number.
        default: Option<i64>,
    },
    /// One of these words; the first holds when it is absent and need not be there.
    Word(&'static [&'static str]),
    /// A place in a list of packets: Unix milliseconds, a point, and a packet's id.
    PacketCursor,
    /// An exception's id.
    ExceptionCursor,
    /// A place in the books: `packet.` and a packet's id, or `account.` and an account's name.
    BooksCursor,
}

const fn optional(name: &'static str, form: Form, about: &'static str) -> Parameter {
    Parameter { name, form, is_required: false, about }
}

pub(super) const LIMIT: Parameter =
    optional("limit", Form::Number { min: 1, max: PAGE_MAX, default: Some(PAGE) }, "How many entries at most.");
pub(super) const SHARES: Parameter =
    optional("limit", Form::Number { min: 1, max: PAGE_MAX, default: Some(PAGE_MAX) }, "How many shares at most.");
pub(super) const AFTER_SHARE: Parameter =
    optional("after", Form::Number { min: 0, max: COUNT_MAX, default: None }, NEXT);
pub(super) const BEFORE_NUMBER: Parameter =
    optional("before", Form::Number { min: 0, max: i64::MAX, default: None }, NEXT);
pub(super) const BEFORE_PACKET: Parameter = optional("before", Form::PacketCursor, NEXT);
pub(super) const BEFORE_EXCEPTION: Parameter = optional("before", Form::ExceptionCursor, NEXT);
const NEXT: &str = "The `next` of the page before.";
pub(super) const EXCEPTION_STATE: Parameter = optional("state", Form::Word(&["open", "resolved"]), "Which.");
pub(super) const YEAR: Parameter = optional(
    "year",
    Form::Number { min: year::FIRST, max: year::LAST, default: None },
    "The year, in China's time; this one when absent.",
);
pub(super) const ROLE: Parameter = Parameter {
    name: "role",
    form: Form::Word(&["sent", "received"]),
    is_required: true,
    about: "Which side of a packet.",
};
pub(super) const BOOKS_LIMIT: Parameter = optional(
    "limit",
    Form::Number { min: 1, max: BOOKS_MAX, default: Some(BOOKS) },
    "How many packets and accounts to look at in this call.",
);
pub(super) const BOOKS_AFTER: Parameter = optional("after", Form::BooksCursor, "The `next` of the call before.");

impl Form {
    /// What a text must be that is refused; `None` for one that has the form.
    fn broken_bound(self, text: &str) -> Option<String> {
        match self {
            Self::Number { min, max, .. } => {
                let fits = whole(text).is_some_and(|number| (min..=max).contains(&number));
                (!fits).then(|| format!("must be a whole number from {min} to {max}"))
            }
            Self::Word(words) => (!words.contains(&text)).then(|| format!("must be {}", words.join(" or "))),
            Self::PacketCursor => packet_cursor(text).is_none().then(|| "must be a page's next".to_owned()),
            Self::ExceptionCursor => ExceptionId::parse(text).is_none().then(|| "must be a page's next".to_owned()),
            Self::BooksCursor => (!is_books_cursor(text)).then(|| "must be an answer's next".to_owned()),
        }
    }
}

/// Reads a whole number as it is usually written: no plus, no zero in front.
fn whole(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

/// Reads a place in a list of packets, as a page's `next` names it.
#[must_use]
pub fn packet_cursor(text: &str) -> Option<(i64, PacketId)> {
    let (at_ms, id) = text.split_once('.')?;
    let at_ms = whole(at_ms).filter(|at_ms| (0..=CURSOR_MAX_MS).contains(at_ms))?;
    Some((at_ms, PacketId::parse(id)?))
}

fn is_books_cursor(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    match text.split_once('.') {
        Some(("packet", id)) => PacketId::parse(id).is_some(),
        Some(("account", id)) => (1..=ACCOUNT_MAX_CHARS).contains(&id.len()) && id.bytes().all(allowed),
        _ => false,
    }
}

/// A text of an address with its `%XX` decoded; `None` when they are malformed or are no UTF-8.
#[must_use]
pub fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(part.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// A query that holds nothing but what its endpoint has, each in its form.
#[derive(Debug)]
pub struct Query {
    parameters: &'static [Parameter],
    found: Vec<(&'static str, String)>,
}

impl Query {
    /// Reads the text after the question mark.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming a parameter that is unknown, doubled, missing, or has another form.
    pub fn read(parameters: &'static [Parameter], text: &str) -> Result<Self, Error> {
        let mut found: Vec<(&'static str, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text: &str| unescape(&text.replace('+', " "));
            let name = decode(name).unwrap_or_else(|| name.to_owned());
            let Some(parameter) = parameters.iter().find(|known| known.name == name) else {
                let known: Vec<_> = parameters.iter().map(|known| known.name).collect();
                return Err(Error::invalid(
                    name,
                    match known.as_slice() {
                        [] => "is unknown: there is no query here".to_owned(),
                        known => format!("is unknown: the query may have {}", known.join(", ")),
                    },
                ));
            };
            if found.iter().any(|(other, _)| *other == parameter.name) {
                return Err(Error::invalid(name, "must be there once"));
            }
            let value = decode(value).ok_or_else(|| Error::invalid(parameter.name, "must be UTF-8, escaped as %XX"))?;
            if let Some(bound) = parameter.form.broken_bound(&value) {
                return Err(Error::invalid(name, bound));
            }
            found.push((parameter.name, value));
        }
        let is_missing = |known: &&Parameter| known.is_required && !found.iter().any(|(name, _)| *name == known.name);
        if let Some(missing) = parameters.iter().find(is_missing) {
            return Err(Error::invalid(missing.name, missing.form.broken_bound("").unwrap_or_default()));
        }
        Ok(Self { parameters, found })
    }

    /// A parameter's text, or the word that holds when it is absent.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let given = self.found.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str());
        given.or_else(|| match self.parameters.iter().find(|known| known.name == name)?.form {
            Form::Word(words) => words.first().copied(),
            _ => None,
        })
    }

    /// A parameter's number, or the one that holds when it is absent.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(whole).or_else(|| {
            match self.parameters.iter().find(|known| known.name == name)?.form {
                Form::Number { default, .. } => default,
                _ => None,
            }
        })
    }

    /// How many entries the page may have.
    #[must_use]
    pub fn limit(&self) -> i64 {
        self.number(LIMIT.name).unwrap_or(PAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::{BEFORE_PACKET, BOOKS_AFTER, LIMIT, Query, ROLE, YEAR, unescape};
    use crate::Error;

    const PARAMETERS: &[super::Parameter] = &[ROLE, YEAR, LIMIT, BEFORE_PACKET];

    #[test]
    fn a_query_is_read_by_its_forms() {
        let id = "hb_01hjz3s2g0000zzzzzzzzzzzzz";
        let query = Query::read(PARAMETERS, &format!("role=%73ent&&before=17.{id}&limit=5")).expect("a query");
        assert_eq!((query.text("role"), query.limit(), query.number("year")), (Some("sent"), 5, None));
        assert_eq!(query.text("before"), Some(format!("17.{id}").as_str()));
        assert_eq!(Query::read(&[LIMIT], "").expect("a query").limit(), super::PAGE);
    }

    #[test]
    fn every_refusal_names_the_parameter() {
        for (text, field) in [
            ("", "role"),
            ("role", "role"),
            ("role=", "role"),
            ("role=Sent", "role"),
            ("role=%ff", "role"),
            ("role=%0", "role"),
            ("role=sent&role=sent", "role"),
            ("role=sent&Limit=5", "Limit"),
            ("role=sent&limit=0", "limit"),
            ("role=sent&limit=101", "limit"),
            ("role=sent&limit=%2B5", "limit"),
            ("role=sent&limit=05", "limit"),
            ("role=sent&limit=5.0", "limit"),
            ("role=sent&limit=99999999999999999999", "limit"),
            ("role=sent&before=17", "before"),
            ("role=sent&before=017.hb_01hjz3s2g0000zzzzzzzzzzzzz", "before"),
            ("role=sent&before=-1.hb_01hjz3s2g0000zzzzzzzzzzzzz", "before"),
            ("role=sent&before=100000000000000.hb_01hjz3s2g0000zzzzzzzzzzzzz", "before"),
            ("role=sent&before=253402300800000.hb_01hjz3s2g0000zzzzzzzzzzzzz", "before"),
            ("role=sent&year=1969", "year"),
        ] {
            let refused = Query::read(PARAMETERS, text).expect_err(text);
            assert!(matches!(&refused, Error::Invalid { field: named, .. } if named == field), "{text}: {refused:?}");
        }
        for after in ["packet.", "account.", "account.a%00", "account.a b", "packet.hb_1", "place.x", "account"] {
            assert!(Query::read(&[BOOKS_AFTER], &format!("after={after}")).is_err(), "{after}");
        }
        assert!(Query::read(&[BOOKS_AFTER], "after=account.wallet%3Aus_a").is_ok());
    }

    #[test]
    fn escapes_are_decoded_whole_or_not_at_all() {
        assert_eq!(unescape("a%3Ab%e7%a6%8F").as_deref(), Some("a:b福"));
        for wrong in ["%", "%3", "%3g", "%+1", "%ff", "%é1", "a%"] {
            assert_eq!(unescape(wrong), None, "{wrong}");
        }
    }
}
