//! Requests as bytes, written straight into a connection's buffer.

use std::io::Write;

/// Writes `POST path` with this token and JSON body.
pub(crate) fn post(out: &mut Vec<u8>, path: std::fmt::Arguments<'_>, token: &str, body: std::fmt::Arguments<'_>) {
    // The body's length goes before it: room for it is left and filled in afterwards.
    const LENGTH_DIGITS: usize = 4;
    let _ = write!(out, "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n");
    let _ = write!(out, "content-type: application/json\r\ncontent-length: ");
    let length = out.len();
    let _ = write!(out, "0000\r\n\r\n");
    let start = out.len();
    let _ = write!(out, "{body}");
    let digits = format!("{:0LENGTH_DIGITS$}", out.len() - start);
    out[length..length + LENGTH_DIGITS].copy_from_slice(digits.as_bytes());
}

/// The text of a field of a flat JSON answer, without parsing all of it.
pub(crate) fn text_field<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let rest = after(body, name)?.strip_prefix('"')?;
    Some(&rest[..rest.find('"')?])
}

/// The whole number of a field of a flat JSON answer.
pub(crate) fn number_field(body: &[u8], name: &str) -> Option<i64> {
    let rest = after(body, name)?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

fn after<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let body = std::str::from_utf8(body).ok()?;
    let place = body
        .match_indices(name)
        .find(|(place, _)| body[..*place].ends_with('"') && body[place + name.len()..].starts_with("\":"))?;
    Some(&body[place.0 + name.len() + 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_carries_its_bodys_length() {
        let mut out = Vec::new();
        post(&mut out, format_args!("/v1/x"), "T", format_args!("{{\"a\":1}}"));
        let text = String::from_utf8(out).expect("text");
        assert!(text.starts_with("POST /v1/x HTTP/1.1\r\n") && text.contains("\r\nauthorization: Bearer T\r\n"));
        assert!(text.ends_with("content-length: 0007\r\n\r\n{\"a\":1}"), "{text}");
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let body = br#"{"packet_id":"hb_1","seq":3,"voucher":"abc","amount_fen":137}"#;
        assert_eq!(text_field(body, "voucher"), Some("abc"));
        assert_eq!(number_field(body, "amount_fen"), Some(137));
        assert_eq!((text_field(body, "id"), number_field(body, "fen")), (None, None));
    }
}
