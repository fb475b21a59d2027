//! The audit's hash chain: what operators did, so that nothing can be changed or left out unseen.
//!
//! Each act's hash is `SHA-256("hongbao/audit/1" ‖ previous hash ‖ content)`: the previous hash as 64 hexadecimal
//! digits, the content as one JSON list `[number, at_ms, operator, act, subject, amount_fen, reason, detail]` without
//! spaces. Whoever keeps the newest hash elsewhere can prove that no act before it was touched.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What the first act has as its previous hash.
pub const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What one act says, in the order in which it is hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Act {
    /// Its place in the chain, from 1.
    pub number: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Who.
    pub operator: String,
    /// What: `deposit`, `retry`, `compensate`, `dismiss`, `switch`, `block` or `unblock`.
    pub act: String,
    /// To what: a deposit's id, an exception's id, a switch's name, a user.
    pub subject: String,
    /// How much money, for acts that move some.
    pub amount_fen: Option<i64>,
    /// Why; empty where no reason is asked for.
    pub reason: String,
    /// What else the act depends on, as JSON text.
    pub detail: String,
}

/// One act with its place in the chain, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Link {
    /// The act.
    #[serde(flatten)]
    pub act: Act,
    /// The hash of the act before.
    pub previous_hash: String,
    /// The act's own hash.
    pub hash: String,
}

/// The hash of an act that follows one with the hash `previous`: 64 hexadecimal digits.
#[must_use]
pub fn hash(previous: &str, act: &Act) -> String {
    let Act { number, at_ms, operator, act, subject, amount_fen, reason, detail } = act;
    let content = serde_json::json!([number, at_ms, operator, act, subject, amount_fen, reason, detail]);
    let digest = Sha256::new().chain_update("hongbao/audit/1").chain_update(previous).chain_update(content.to_string());
    crate::split::hex(&digest.finalize())
}

/// The end of a chain as far as it was read: the last act's number and hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The last act's number; 0 before the first.
    pub number: i64,
    /// The last act's hash.
    pub hash: String,
}

impl Default for Head {
    /// The head of an empty chain.
    fn default() -> Self {
        Self { number: 0, hash: FIRST.to_owned() }
    }
}

impl Head {
    /// The head after `link`.
    ///
    /// # Errors
    /// Occurs when `link` does not follow, or is not what was written: what is wrong with it.
    pub fn follow(&self, link: &Link) -> Result<Self, String> {
        let number = link.act.number;
        if self.number.checked_add(1) != Some(number) {
            return Err(format!("act {number} follows act {}: acts between are gone", self.number));
        }
        if link.previous_hash != self.hash {
            return Err(format!("act {number} does not continue act {}: one of them was changed", self.number));
        }
        if link.hash != hash(&self.hash, &link.act) {
            return Err(format!("act {number} was changed after it was written"));
        }
        Ok(Self { number, hash: link.hash.clone() })
    }

    /// The link that adds `act` to the chain; its number becomes the next one.
    #[must_use]
    pub fn link(&self, act: Act) -> Link {
        let act = Act { number: self.number.saturating_add(1), ..act };
        Link { previous_hash: self.hash.clone(), hash: hash(&self.hash, &act), act }
    }
}

#[cfg(test)]
mod tests {
    use super::{Act, Head, Link};

    fn chain() -> Vec<Link> {
        let mut head = Head::default();
        let act = |reason: &str| Act {
            number: 0,
            at_ms: 5,
            operator: "ops".into(),
            act: "dismiss".into(),
            subject: "ex_0:1-0".into(),
            amount_fen: None,
            reason: reason.into(),
            detail: "{}".into(),
        };
        let mut add = |reason| {
            let link = head.link(act(reason));
            head = head.follow(&link).expect("follows");
            link
        };
        vec![add("one"), add("two"), add("三")]
    }

    fn broken_at(links: &[Link]) -> Option<String> {
        links.iter().try_fold(Head::default(), |head, link| head.follow(link)).err()
    }

    #[test]
    fn the_hash_is_the_one_that_is_published() {
        // python3 -c "import hashlib;print(hashlib.sha256(('hongbao/audit/1'+'0'*64+'[1,5,\"ops\",\"dismiss\",
        // \"ex_0:1-0\",null,\"one\",\"{}\"]').encode()).hexdigest())"
        let expected = "807dfe5bdb4501b26687065fb12140789addd8a01b9a5405ac905f9e831b7c34";
        assert_eq!(chain()[0].hash, expected);
    }

    #[test]
    fn a_whole_chain_holds_and_every_change_breaks_it_where_it_was_made() {
        assert_eq!(broken_at(&chain()), None);
        type Change = fn(&mut Link);
        let changes: [(&str, Change); 6] = [
            ("act 2 was changed", |link| link.act.reason.push('!')),
            ("act 2 was changed", |link| link.act.amount_fen = Some(1)),
            ("act 2 was changed", |link| link.act.at_ms = 6),
            ("act 2 was changed", |link| link.hash.replace_range(0..1, "g")),
            ("act 2 does not continue", |link| link.previous_hash.replace_range(0..1, "g")),
            ("act 7 follows act 1", |link| link.act.number = 7),
        ];
        for (told, change) in changes {
            let mut links = chain();
            change(&mut links[1]);
            let broken = broken_at(&links).expect("broken");
            assert!(broken.contains(told), "{broken}");
        }
        let mut gap = chain();
        gap.remove(1);
        assert_eq!(broken_at(&gap).as_deref(), Some("act 3 follows act 1: acts between are gone"));
    }

    /// Whoever changes an act and its hash breaks the next one.
    #[test]
    fn a_rehashed_act_does_not_fit_the_next() {
        let mut links = chain();
        links[1].act.reason = "other".into();
        links[1].hash = super::hash(&links[0].hash, &links[1].act);
        let broken = broken_at(&links).expect("broken");
        assert!(broken.contains("act 3 does not continue act 2"), "{broken}");
    }
}
