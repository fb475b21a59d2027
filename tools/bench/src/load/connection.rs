//! One kept-alive connection of HTTP/1.1: a request out, an answer in.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Answers of this application have fewer.
const HEADERS_MAX: usize = 16;
/// The longest answer: a page of shares is far below.
const ANSWER_MAX: usize = 1 << 20;

/// A connection, its next request and its last answer.
pub(crate) struct Connection {
    stream: TcpStream,
    /// The request, written by whoever asks.
    pub(crate) out: Vec<u8>,
    input: Vec<u8>,
}

/// An answer in the connection's buffer.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("no connection to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, out: Vec::with_capacity(1024), input: Vec::with_capacity(4096) })
    }

    /// Sends what is in `out` and reads the whole answer.
    pub(crate) async fn ask(&mut self) -> Result<Answer<'_>> {
        self.stream.write_all(&self.out).await.context("the request was not sent")?;
        self.input.clear();
        loop {
            let read = self.stream.read_buf(&mut self.input).await.context("the answer was not read")?;
            ensure!(read > 0, "the server hung up");
            ensure!(self.input.len() <= ANSWER_MAX, "an answer above {ANSWER_MAX} bytes");
            if let Some((status, start, end)) = whole(&self.input)? {
                ensure!(self.input.len() == end, "more than one answer");
                return Ok(Answer { status, body: &self.input[start..end] });
            }
        }
    }
}

/// The status, and where the body starts and ends, once everything is there.
fn whole(input: &[u8]) -> Result<Option<(u16, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = answer.parse(input).context("a malformed answer")? else { return Ok(None) };
    let length = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    // The application promises it for every answer.
    let Some(length) = length else { bail!("an answer without a content-length") };
    let length: usize = std::str::from_utf8(length.value)?.parse().context("a content-length that is no number")?;
    let end = start + length;
    Ok((input.len() >= end).then_some((answer.code.unwrap_or_default(), start, end)))
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn an_answer_is_whole_when_its_last_byte_is_there() {
        let text = b"HTTP/1.1 409 Conflict\r\ncontent-type: x\r\nContent-Length: 3\r\n\r\n{ }";
        assert_eq!(whole(text).expect("well formed"), Some((409, text.len() - 3, text.len())));
        for cut in 0..text.len() {
            assert_eq!(whole(&text[..cut]).expect("well formed"), None, "{cut}");
        }
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err(), "no length");
        assert!(whole(b"NONSENSE\r\n\r\n").is_err());
    }
}
