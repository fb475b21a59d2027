//! Days and years in China's time: 8 hours ahead of UTC, without summer time.

/// The first year that totals can be asked for.
pub const FIRST: i64 = 1970;
/// The last year that totals can be asked for.
pub const LAST: i64 = 9998;

const OFFSET_MS: i64 = 8 * 3600 * 1000;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// When the day of `now_ms` began, Unix milliseconds.
#[must_use]
pub const fn day_start_ms(now_ms: i64) -> i64 {
    now_ms.saturating_sub(now_ms.saturating_add(OFFSET_MS).rem_euclid(DAY_MS))
}

/// The year of `now_ms`.
#[must_use]
pub fn of_ms(now_ms: i64) -> i64 {
    // A year is at most 366 days, so this guess is at most one too early for every year the system knows.
    let days = now_ms.saturating_add(OFFSET_MS).div_euclid(DAY_MS);
    let mut year = days.div_euclid(366).saturating_add(FIRST);
    while days >= days_before(year.saturating_add(1)) {
        year = year.saturating_add(1);
    }
    year
}

/// When `year` begins and ends, Unix milliseconds.
#[must_use]
pub fn bounds_ms(year: i64) -> (i64, i64) {
    let start = |year| days_before(year).saturating_mul(DAY_MS).saturating_sub(OFFSET_MS);
    (start(year), start(year.saturating_add(1)))
}

/// The days from 1970 to the start of `year`, by the Gregorian calendar.
fn days_before(year: i64) -> i64 {
    let before = year.saturating_sub(1);
    let leap_days =
        |year: i64| year.div_euclid(4).saturating_sub(year.div_euclid(100)).saturating_add(year.div_euclid(400));
    let leaps = leap_days(before).saturating_sub(leap_days(FIRST.saturating_sub(1)));
    year.saturating_sub(FIRST).saturating_mul(365).saturating_add(leaps)
}

#[cfg(test)]
mod tests {
    use super::{bounds_ms, day_start_ms, of_ms};

    #[test]
    fn years_and_days_begin_at_midnight_in_china() {
        // 2024-01-01 00:00 and 2025-01-01 00:00 at UTC+8.
        assert_eq!(bounds_ms(2024), (1_704_038_400_000, 1_735_660_800_000));
        assert_eq!([1_704_038_399_999, 1_704_038_400_000, 1_735_660_799_999].map(of_ms), [2023, 2024, 2024]);
        assert_eq!(day_start_ms(1_704_038_400_000 + 5), 1_704_038_400_000);
        assert_eq!(of_ms(0), 1970);
    }
}
