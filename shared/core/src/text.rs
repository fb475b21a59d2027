//! Text that people write: whether there is anything to see in it, and which word somebody says.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::Error;

/// Whether a letter shows nothing by itself: blanks, format and control characters, fillers, selectors, tags.
///
/// Unicode's categories say so of most; of the others the first group is what `Default_Ignorable_Code_Point` has beyond
/// them (`DerivedCoreProperties.txt`), the second are letters and symbols whose picture is empty.
fn is_invisible(letter: char) -> bool {
    let by_category = matches!(
        letter.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::SpaceSeparator
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    );
    let is_ignorable = matches!(letter,
        '\u{34F}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{2065}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{E0000}'..='\u{E0FFF}');
    let is_empty = matches!(letter, '\u{2800}' | '\u{FFFC}' | '\u{13441}'..='\u{13442}' | '\u{1D159}');
    by_category || is_ignorable || is_empty
}

/// Whether a text has a letter that can be seen. A mark needs one to sit on.
#[must_use]
pub fn has_visible(text: &str) -> bool {
    text.chars().any(|letter| !is_invisible(letter) && !is_combining_mark(letter))
}

/// Whether a letter ends a line, or controls a terminal.
#[must_use]
pub fn is_line_end(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')
}

/// Whether a text leaves the writing direction of what stands around it alone: no overrides and embeddings, which make
/// text read as something else, and every isolate, which mixed text needs, is closed.
#[must_use]
pub fn has_own_direction(text: &str) -> bool {
    let mut open = 0_usize;
    for letter in text.chars() {
        match letter {
            '\u{202A}'..='\u{202E}' => return false,
            '\u{2066}'..='\u{2068}' => open = open.saturating_add(1),
            '\u{2069}' if open == 0 => return false,
            '\u{2069}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    open == 0
}

/// Checks one line that people write: 1 to `most` characters as they are seen, composed or not, one of them visible, no
/// line ends and controls, and no direction of its own.
///
/// # Errors
/// [`Error::Invalid`] naming `field` and the bound.
pub fn check_line(field: &str, text: &str, most: usize) -> Result<(), Error> {
    // Composing makes some texts longer.
    let length = text.chars().count().min(text.nfc().count());
    if !has_visible(text) || length > most {
        return Err(Error::invalid(field, format!("must have 1 to {most} characters, one of them visible at least")));
    }
    if text.chars().any(is_line_end) {
        return Err(Error::invalid(field, "must be one line without control characters"));
    }
    if !has_own_direction(text) {
        let bound = "must leave the direction of other text alone: no U+202A to U+202E, and U+2066 to U+2068 each closed by U+2069";
        return Err(Error::invalid(field, bound));
    }
    Ok(())
}

/// The word that somebody says who types this text: whatever the keyboard makes of width, composition, capitals, digits,
/// quotes and dashes, and whatever blanks a completion puts around or into it. Saying it again is the same word.
#[must_use]
pub fn word(text: &str) -> String {
    folded(text.nfkc().map(plain))
}

/// The word as it was compared before keyboards' digits, quotes and dashes were: packets that are out are kept by it.
#[must_use]
pub fn former_word(text: &str) -> String {
    folded(text.nfkc())
}

fn folded(text: impl Iterator<Item = char>) -> String {
    let said = text.filter(|letter| !is_invisible(*letter));
    // There and back: some letters have two small forms (σ, ς), and some capitals are two letters (ß).
    let folded = said.flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.nfkc().filter(|letter| !is_invisible(*letter)).collect()
}

/// The ASCII character that a keyboard or its completion writes as `letter`; else the letter itself.
fn plain(letter: char) -> char {
    match letter {
        '\u{2018}'..='\u{201B}' | '\u{2BC}' | '\u{2032}' => '\'',
        '\u{201C}'..='\u{201F}' | '\u{AB}' | '\u{BB}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{3002}' => '.',
        _ => digit(letter).unwrap_or(letter),
    }
}

/// The ASCII digit of the same value as a decimal digit of another script.
fn digit(letter: char) -> Option<char> {
    let is_digit = |letter: &char| letter.general_category() == GeneralCategory::DecimalNumber;
    if letter.is_ascii() || !is_digit(&letter) {
        return None;
    }
    // Unicode has them in runs of ten in ascending order, some of which stand side by side.
    let before = ('\0'..letter).rev().take_while(is_digit).count();
    char::from_digit(u32::try_from(before % 10).ok()?, 10)
}

#[cfg(test)]
mod tests {
    use super::{check_line, former_word, has_own_direction, has_visible, word};

    #[test]
    fn what_nobody_can_see_is_empty() {
        let invisible = [
            "",
            " ",
            "\u{3000}",
            "\u{A0}",
            "\u{200B}",
            "\u{200B}\u{200C}\u{200D}\u{FEFF}",
            "\u{2060}\u{2061}\u{2064}",
            "\u{3164}",
            "\u{FFA0}",
            "\u{115F}\u{1160}",
            "\u{2800}",
            "\u{FE0F}",
            "\u{E0100}",
            "\u{E0041}\u{E007F}",
            "\u{AD}",
            "\u{34F}",
            "\u{180E}",
            "\u{180B}",
            "\u{17B4}",
            "\u{61C}\u{200E}\u{200F}",
            "\u{2066}\u{2069}",
            "\u{1D173}",
            "\u{1BCA0}",
            "\u{FFF9}\u{FFFB}",
            "\u{2065}",
            "\u{1D159}",
            "\u{301}",
            " \u{FE0F}\u{20E3}",
            "\u{2028}",
            "\u{85}",
            "\u{FFFC}",
            "\u{13441}",
            "\u{E0FFF}",
            "\u{FFF0}",
        ];
        for text in invisible {
            assert!(!has_visible(text), "{text:?}");
            assert!(text.contains(['\u{301}', '\u{20E3}']) || word(text).is_empty(), "{text:?}");
        }
        let visible = [
            "a",
            "恭喜发财",
            "🧧",
            "👨‍👩‍👧",
            "🇨🇳",
            "1️⃣",
            "🏴\u{E0067}\u{E0062}\u{E0073}\u{E007F}",
            "שלום \u{2066}ABC\u{2069}",
            "e\u{301}",
            ".",
            "　恭　",
            "\u{F8FF}",
            "नमस्ते",
            "سلام\u{200C}ها",
            "\u{200E}!",
        ];
        for text in visible {
            assert!(has_visible(text), "{text:?}");
            assert!(!word(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn isolates_are_closed_and_overrides_are_not_there() {
        for text in ["", "a", "\u{200E}a\u{200F}\u{61C}", "\u{2067}שלום\u{2069}!", "\u{2066}\u{2068}a\u{2069}\u{2069}"]
        {
            assert!(has_own_direction(text), "{text:?}");
        }
        for text in [
            "\u{2066}a",
            "\u{2069}",
            "a\u{2069}\u{2066}",
            "\u{202E}a\u{202C}",
            "\u{202A}a\u{202C}",
            "\u{202C}",
            "\u{202D}",
        ] {
            assert!(!has_own_direction(text), "{text:?}");
        }
    }

    #[test]
    fn a_word_is_the_same_on_every_keyboard() {
        let same: [(&str, &[&str]); 14] = [
            ("1234", &["１２３４", " 1234 ", "12 34", "1234\u{200B}", "①②③④"]),
            ("芝麻开门", &["芝麻开门 ", "芝麻 开门", "　芝麻开门", "\u{FEFF}芝麻开门", "芝麻开门\u{FE0F}"]),
            ("Hongbao", &["hongbao", "ＨＯＮＧＢＡＯ", "HongBao ", "hong\u{AD}bao"]),
            ("é", &["e\u{301}", "É", "E\u{301}"]),
            ("パスワード", &["ﾊﾟｽﾜｰﾄﾞ", "ハ\u{309A}スワート\u{3099}"]),
            ("straße", &["STRASSE", "Straße", "strasse"]),
            ("ΟΔΟΣ", &["οδος", "οδοσ"]),
            ("❤️", &["❤"]),
            ("1234", &["١٢٣٤", "۱۲۳۴", "१२३४", "১২৩৪", "๑๒๓๔", "᠑᠒᠓᠔", "𝟙𝟚𝟛𝟜", "𑁧𑁨𑁩𑁪"]),
            ("0987", &["٠٩٨٧", "۰۹۸۷", "०९८७"]),
            ("it's", &["it’s", "it‘s", "it＇s", "itʼs", "IT′S"]),
            ("\"go\"", &["“go”", "„go“", "«go»", "＂go＂"]),
            ("2027-1", &["2027‐1", "2027‑1", "2027–1", "2027—1", "2027−1", "２０２７－１"]),
            ("go.", &["go。", "go｡", "go．"]),
        ];
        for (said, typed) in same {
            for text in typed {
                assert_eq!(word(text), word(said), "{text:?} for {said:?}");
            }
        }
        let other = [
            ("1234", "1243"),
            ("芝麻开门", "芝麻开"),
            ("芝麻", "芝蔴"),
            ("é", "e"),
            ("が", "か"),
            ("👍", "👎"),
            ("1-2", "12"),
            ("1234", "四三二一"),
            ("٣", "2"),
            ("it's", "its"),
            ("スーパ", "ス-パ"),
        ];
        for (one, another) in other {
            assert_ne!(word(one), word(another));
        }
    }

    /// What packets are kept by that are out: it must not change with the word.
    #[test]
    fn the_former_word_leaves_digits_and_signs_alone() {
        for (text, former) in
            [("１２３４ ", "1234"), ("Caf\u{E9}", "café"), ("١٢", "١٢"), ("it’s", "it’s"), ("1–2。", "1–2。")]
        {
            assert_eq!(former_word(text), former);
        }
    }

    #[test]
    fn a_line_is_counted_as_it_is_seen() {
        for (text, is_line) in [
            ("e\u{301}".repeat(32), true),
            ("e\u{301}".repeat(33), false),
            ("é".repeat(32), true),
            ("\u{958}".repeat(32), true), // Composed it has two characters each.
            ("\u{1112}\u{1161}\u{11AB}".repeat(32), true),
            ("🧧".repeat(33), false),
            (format!("a{}", "\u{301}".repeat(40)), false),
        ] {
            assert_eq!(check_line("password", &text, 32).is_ok(), is_line, "{text}");
        }
    }

    /// Said again it is the same word, whatever letters there are.
    #[test]
    fn a_word_said_again_is_the_same() {
        for letter in (0..=0x10_FFFF).filter_map(char::from_u32) {
            for text in [letter.to_string(), format!("a{letter}\u{301}"), format!("{letter}ß")] {
                let said = word(&text);
                assert_eq!(word(&said), said, "{text:?}");
            }
        }
    }
}
