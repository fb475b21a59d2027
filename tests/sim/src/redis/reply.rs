//! Replies, and how Spin hands them on: flattened.

use hongbao_spin::redis::Reply as Flat;

/// What a command answers.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Nil,
    /// A short word such as OK.
    Status(String),
    /// A whole number.
    Int(i64),
    /// Bytes.
    Bulk(Vec<u8>),
    /// A list.
    Array(Vec<Self>),
}

impl Reply {
    /// `OK`.
    #[must_use]
    pub fn ok() -> Self {
        Self::Status("OK".to_owned())
    }

    /// Bytes.
    pub fn bulk(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Bulk(bytes.into())
    }

    /// A number of things.
    #[must_use]
    pub fn count(count: usize) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// Bytes or nothing.
    #[must_use]
    pub fn optional(bytes: Option<&Vec<u8>>) -> Self {
        bytes.map_or(Self::Nil, |bytes| Self::Bulk(bytes.clone()))
    }
}

impl std::fmt::Debug for Reply {
    /// As a person reads it, for traces.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Status(word) => f.write_str(word),
            Self::Int(number) => write!(f, "{number}"),
            Self::Bulk(bytes) => write!(f, "{:?}", String::from_utf8_lossy(bytes)),
            Self::Array(replies) => f.debug_list().entries(replies).finish(),
        }
    }
}

/// The reply as a component sees it: nested lists lose their nesting.
#[must_use]
pub fn flatten(reply: Reply) -> Vec<Flat> {
    let mut flat = Vec::new();
    append(&mut flat, reply);
    flat
}

fn append(flat: &mut Vec<Flat>, reply: Reply) {
    flat.push(match reply {
        Reply::Nil => Flat::Nil,
        Reply::Status(word) => Flat::Status(word),
        Reply::Int(number) => Flat::Int64(number),
        Reply::Bulk(bytes) => Flat::Binary(bytes),
        Reply::Array(replies) => return replies.into_iter().for_each(|reply| append(flat, reply)),
    });
}
