//! The rules for a new packet: what `wrap` accepts.

use crate::packet::Recipient;
use crate::token::Person;
use crate::wire::{EXPIRES_IN_MAX_S, WrapRequest};
use crate::{Error, Fen, text};

/// The longest greeting, in Unicode characters, composed where that is shorter.
pub const GREETING_MAX_CHARS: usize = 200;
/// The longest password, in Unicode characters, composed where that is shorter.
pub const PASSWORD_MAX_CHARS: usize = 32;
/// The longest name of a cover, in ASCII characters.
pub const COVER_MAX_CHARS: usize = 32;
/// How far ahead a packet can be scheduled, in milliseconds: 7 days.
pub const SCHEDULE_MAX_MS: i64 = 7 * 24 * 3600 * 1000;

/// The configured limits on sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most a share may hold on average.
    pub share_average_fen: i64,
    /// The most shares of a person's packet.
    pub count: i64,
    /// The most shares of a company's packet.
    pub count_company: i64,
    /// The most a user may send in a day (China's time).
    pub daily_send_fen: i64,
    /// The most packets a user may send in a day.
    pub daily_send_count: i64,
}

/// Checks the content of a packet that a person (or, with `company`, a company) wants to send at `now_ms`.
///
/// # Errors
/// [`Error::Invalid`] for content that no packet may have, [`Error::LimitExceeded`] for more than the limits.
pub fn check(request: &WrapRequest, limits: &Limits, company: bool, now_ms: i64) -> Result<(), Error> {
    let (total, count) = (request.total_fen.get(), request.count.get());
    if total < count {
        return Err(Error::invalid("total_fen", format!("must be at least count ({count}): one fen a share")));
    }
    if matches!(request.to, Recipient::User(_)) && count != 1 {
        return Err(Error::invalid("count", "must be 1 for a packet to one user"));
    }
    check_text("greeting", request.greeting.as_deref(), GREETING_MAX_CHARS)?;
    check_text("password", request.password.as_deref(), PASSWORD_MAX_CHARS)?;
    if request.password.as_deref().is_some_and(|password| text::word(password).is_empty()) {
        return Err(Error::invalid(
            "password",
            format!("must have 1 to {PASSWORD_MAX_CHARS} characters that are said"),
        ));
    }
    check_cover(request.cover.as_deref())?;
    check_start(request.starts_at_ms.map(|start| start.get()), now_ms)?;
    let (limit, bound) = match company {
        true => ("limit_count_company", limits.count_company),
        false => ("limit_count", limits.count),
    };
    if count > bound {
        return Err(Error::LimitExceeded { limit, bound });
    }
    // total / count > limit, without a division's rounding; both factors are far below 2^31 and 2^14.
    if limits.share_average_fen.checked_mul(count).is_some_and(|most| total > most) {
        return Err(Error::LimitExceeded { limit: "limit_share_average_fen", bound: limits.share_average_fen });
    }
    Ok(())
}

/// Checks whom `sender` may send to: a group that they are a member of, or another person. Who a person is, only the
/// issuer of tokens knows: a packet to nobody goes back when its time is over.
///
/// # Errors
/// [`Error::NotFound`] for a group that is not the sender's: whether it exists is not told. [`Error::Invalid`] for a
/// packet to oneself, of which nobody could take the share.
pub fn check_recipient(to: &Recipient, sender: &Person) -> Result<(), Error> {
    match to {
        Recipient::User(user) if *user == sender.user => {
            Err(Error::invalid("to", "must be another person: nobody sends to themselves"))
        }
        Recipient::Group(_) if !to.includes(sender) => Err(Error::NotFound),
        Recipient::User(_) | Recipient::Group(_) => Ok(()),
    }
}

fn check_text(field: &str, text: Option<&str>, most: usize) -> Result<(), Error> {
    text.map_or(Ok(()), |text| text::check_line(field, text, most))
}

fn check_cover(cover: Option<&str>) -> Result<(), Error> {
    let Some(cover) = cover else { return Ok(()) };
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    if (1..=COVER_MAX_CHARS).contains(&cover.len()) && cover.bytes().all(allowed) {
        return Ok(());
    }
    Err(Error::invalid("cover", format!("must be 1 to {COVER_MAX_CHARS} characters of a-z 0-9 _ -")))
}

fn check_start(starts_at_ms: Option<i64>, now_ms: i64) -> Result<(), Error> {
    let Some(start) = starts_at_ms else { return Ok(()) };
    let latest = now_ms.saturating_add(SCHEDULE_MAX_MS);
    if start >= now_ms && start <= latest {
        return Ok(());
    }
    Err(Error::invalid("starts_at_ms", format!("must be from now ({now_ms}) to 7 days ahead ({latest})")))
}

/// How long a packet lives once it opens, in milliseconds.
#[must_use]
pub fn lifetime_ms(request: &WrapRequest) -> i64 {
    request.expires_in_s.map_or(EXPIRES_IN_MAX_S, |seconds| seconds.get()).saturating_mul(1000)
}

/// The packet's total as money.
///
/// # Errors
/// Never for a request that was decoded: its bounds are those of [`Fen`].
pub fn total(request: &WrapRequest) -> Result<Fen, Error> {
    Fen::new(request.total_fen.get()).ok_or_else(|| Error::invalid("total_fen", "must be an amount"))
}
