//! Text that people write: whether there is anything to see in it, and which word somebody says.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

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

/// The word that somebody says who types this text: whatever the keyboard makes of width, composition and capitals, and
/// whatever blanks a completion puts around or into it. Saying it again is the same word.
#[must_use]
pub fn word(text: &str) -> String {
    let said = text.nfkc().filter(|letter| !is_invisible(*letter));
    // There and back: some letters have two small forms (σ, ς), and some capitals are two letters (ß).
    let folded = said.flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.nfkc().filter(|letter| !is_invisible(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::{has_own_direction, has_visible, word};

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
        let same: [(&str, &[&str]); 8] = [
            ("1234", &["１２３４", " 1234 ", "12 34", "1234\u{200B}", "①②③④"]),
            ("芝麻开门", &["芝麻开门 ", "芝麻 开门", "　芝麻开门", "\u{FEFF}芝麻开门", "芝麻开门\u{FE0F}"]),
            ("Hongbao", &["hongbao", "ＨＯＮＧＢＡＯ", "HongBao ", "hong\u{AD}bao"]),
            ("é", &["e\u{301}", "É", "E\u{301}"]),
            ("パスワード", &["ﾊﾟｽﾜｰﾄﾞ", "ハ\u{309A}スワート\u{3099}"]),
            ("straße", &["STRASSE", "Straße", "strasse"]),
            ("ΟΔΟΣ", &["οδος", "οδοσ"]),
            ("❤️", &["❤"]),
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
        ];
        for (one, another) in other {
            assert_ne!(word(one), word(another));
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
