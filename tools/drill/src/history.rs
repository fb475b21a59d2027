//! What people asked and were told, a line of JSON for each call.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Wrap,
    Send,
    Grab,
    Open,
    Me,
    Statement,
    Packet,
}

impl Kind {
    /// The calls that people make all the time while something is broken.
    pub(crate) const OF_THE_LOAD: [Self; 5] = [Self::Wrap, Self::Send, Self::Grab, Self::Open, Self::Me];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wrap => "wrap",
            Self::Send => "send",
            Self::Grab => "grab",
            Self::Open => "open",
            Self::Me => "me",
            Self::Statement => "statement",
            Self::Packet => "packet",
        }
    }
}

/// When in a drill it was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// People come and look into their wallets; a stock of packets is sent.
    Arrival,
    /// People go on whatever happens.
    Load,
    /// Every voucher whose share was opened is presented again.
    Again,
    /// What everybody has in the end.
    End,
}

/// One call and its answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) phase: Phase,
    /// When it was sent, in milliseconds since the history began.
    pub(crate) at_ms: u64,
    /// How long the answer took.
    pub(crate) took_ms: u64,
    pub(crate) person: String,
    pub(crate) call: Kind,
    pub(crate) packet: Option<String>,
    pub(crate) request: Value,
    /// 0 when there was no answer.
    pub(crate) status: u16,
    /// Whether the answer says in its header when to come back.
    pub(crate) has_retry_after: bool,
    /// Null when there was none, or none in JSON.
    pub(crate) answer: Value,
    /// Why there was no answer.
    pub(crate) failure: Option<String>,
}

impl Line {
    pub(crate) fn is_granted(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the application did its work: it granted, or refused by a rule.
    pub(crate) fn is_served(&self) -> bool {
        self.status != 0 && self.status < 500 && self.status != 429
    }

    /// What went wrong, in a word.
    pub(crate) fn error(&self) -> Option<String> {
        let code = self.answer["error"]["code"].as_str().unwrap_or("without a code");
        match self.status {
            0 => Some("no answer".to_owned()),
            _ if self.is_served() => None,
            status => Some(format!("{status} {code}")),
        }
    }

    pub(crate) fn ended_ms(&self) -> u64 {
        self.at_ms + self.took_ms
    }
}

/// The file being written.
pub(crate) struct History {
    path: PathBuf,
    file: Mutex<BufWriter<File>>,
    start: Instant,
    start_unix_ms: i64,
}

impl History {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
        let (start, start_unix_ms) = (Instant::now(), i64::try_from(since.as_millis())?);
        Ok(Self { path: path.to_owned(), file: Mutex::new(BufWriter::new(file)), start, start_unix_ms })
    }

    /// Milliseconds since the history began.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A moment of the history as Unix milliseconds.
    pub(crate) fn unix_ms(&self, at_ms: u64) -> i64 {
        self.start_unix_ms.saturating_add_unsigned(at_ms)
    }

    /// Writes a line. A disk that is full shows when the file is read.
    pub(crate) fn write(&self, line: &Line) {
        let Ok(mut text) = serde_json::to_vec(line) else { return };
        text.push(b'\n');
        let _ = self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text);
    }

    /// Everything written so far, from the file.
    pub(crate) fn read(&self) -> Result<Vec<Line>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).flush()?;
        let lines = BufReader::new(File::open(&self.path)?).lines();
        lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
    }
}
