//! Reconciliation: whether what the ledger holds about one packet or account can all be true at once.
//!
//! Every number here was written by the same statements, so a contradiction means that something else wrote, or that
//! the rules have a hole: nobody decides it by rule. The packet's refund stops and an operator looks.

/// The check that found a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// All postings sum to zero.
    Postings,
    /// A balance is the sum of its postings, and every account is one the system knows.
    Balances,
    /// What was funded is settled, refunded or still in escrow.
    Packets,
    /// Every claim is one posting, and every payout is a claim or the refund.
    Claims,
    /// Nothing goes back before all that was opened is settled.
    Refunds,
    /// What the race decided is what the ledger paid.
    Race,
    /// No entry of a journal waits for long.
    Journal,
    /// The operators' acts are a whole chain.
    Audit,
}

impl Check {
    /// All checks, in the order in which they are told.
    pub const ALL: [Self; 8] = [
        Self::Postings,
        Self::Balances,
        Self::Packets,
        Self::Claims,
        Self::Refunds,
        Self::Race,
        Self::Journal,
        Self::Audit,
    ];

    /// The check's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postings => "postings_sum_to_zero",
            Self::Balances => "balances_equal_postings",
            Self::Packets => "packets_add_up",
            Self::Claims => "claims_equal_payouts",
            Self::Refunds => "refunds_wait_for_opens",
            Self::Race => "race_equals_ledger",
            Self::Journal => "journal_is_settled",
            Self::Audit => "audit_is_whole",
        }
    }
}

/// One contradiction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The check that found it.
    pub check: Check,
    /// By how much money the two sides differ; 0 where no amount says it.
    pub drift_fen: i64,
    /// What stands against what.
    pub text: String,
}

/// What every table says about one packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PacketBooks {
    /// The packet: its total.
    pub total_fen: i64,
    /// The packet: the number of shares.
    pub count: i64,
    /// The packet: how many shares it counts as settled.
    pub settled: i64,
    /// The packet: how many shares were opened when it was closed.
    pub closed_opened: Option<i64>,
    /// The packet: what it says went back.
    pub refunded_fen: Option<i64>,
    /// The packet: whether its refund is stopped.
    pub is_frozen: bool,
    /// The escrow's balance; absent without an account.
    pub escrow_fen: Option<i64>,
    /// Postings into the escrow.
    pub in_fen: i64,
    /// Postings out of the escrow.
    pub out_fen: i64,
    /// The number of postings out of the escrow.
    pub outs: i64,
    /// The posting that funded the escrow from the sender's wallet.
    pub funded_fen: Option<i64>,
    /// The posting that gave the rest back to the sender.
    pub refund_fen: Option<i64>,
    /// The number of claims.
    pub claims: i64,
    /// The sum of the claims.
    pub claimed_fen: i64,
    /// How many claims have their posting: same share, user and amount.
    pub paid: i64,
}

impl PacketBooks {
    /// Everything about the packet that cannot be true at once.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let (escrow, refund) = (self.escrow_fen.unwrap_or_default(), self.refund_fen.unwrap_or_default());
        let spent = self.claimed_fen.saturating_add(refund).saturating_add(escrow);
        let of_postings = self.in_fen.saturating_sub(self.out_fen);
        let mut faults = Faults::default();
        faults.same(Check::Packets, "the total, the funding", self.total_fen, self.funded_fen.unwrap_or_default());
        faults.same(Check::Packets, "the total, claims and refund and escrow", self.total_fen, spent);
        faults.same(Check::Packets, "the escrow, its postings", escrow, of_postings);
        faults.same(Check::Packets, "the refund told, its posting", self.refunded_fen.unwrap_or_default(), refund);
        faults.unless(self.settled == self.claims, Check::Claims, || {
            format!("{} shares are counted as settled, {} are claimed", self.settled, self.claims)
        });
        faults.unless(self.paid == self.claims, Check::Claims, || {
            format!("{} of {} claims have their posting", self.paid, self.claims)
        });
        let known = self.claims.saturating_add(i64::from(self.refund_fen.is_some()));
        faults.unless(self.outs == known, Check::Claims, || {
            format!("{} postings leave the escrow, {known} are claims or the refund", self.outs)
        });
        let is_due = self.closed_opened == Some(self.settled) && self.settled < self.count;
        faults.unless(self.refund_fen.is_none() || is_due, Check::Refunds, || {
            format!("the refund was made with {} settled of {:?} opened", self.settled, self.closed_opened)
        });
        faults.unless(self.refund_fen.is_some() || !is_due || self.is_frozen, Check::Refunds, || {
            "the refund is due and was not made".to_owned()
        });
        faults.0
    }
}

/// What stands about one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountBooks {
    /// The account's id.
    pub id: String,
    /// Its balance.
    pub balance_fen: i64,
    /// What its postings sum to.
    pub postings_fen: i64,
    /// Of an escrow: whether its packet exists.
    pub has_packet: bool,
}

impl AccountBooks {
    /// Everything about the account that cannot be true at once.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Faults::default();
        faults.same(Check::Balances, "the balance, its postings", self.balance_fen, self.postings_fen);
        let is_known = match self.id.split_once(':') {
            Some(("wallet", user)) => crate::UserId::parse(user).is_some(),
            Some(("packet", id)) => crate::PacketId::parse(id).is_some() && self.has_packet,
            _ => self.id == "world" || self.id == "suspense",
        };
        faults.unless(is_known, Check::Balances, || "nobody knows this account".to_owned());
        faults.0
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn same(&mut self, check: Check, what: &str, left: i64, right: i64) {
        if left != right {
            let drift_fen = left.saturating_sub(right).saturating_abs();
            self.0.push(Fault { check, drift_fen, text: format!("{what}: {left} and {right} fen") });
        }
    }

    fn unless(&mut self, holds: bool, check: Check, text: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Fault { check, drift_fen: 0, text: text() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AccountBooks, Check, PacketBooks};

    /// A closed packet of 1,000 fen in 4 shares, of which 2 were opened and the rest went back.
    fn refunded() -> PacketBooks {
        PacketBooks {
            total_fen: 1_000,
            count: 4,
            settled: 2,
            closed_opened: Some(2),
            refunded_fen: Some(400),
            is_frozen: false,
            escrow_fen: Some(0),
            in_fen: 1_000,
            out_fen: 1_000,
            outs: 3,
            funded_fen: Some(1_000),
            refund_fen: Some(400),
            claims: 2,
            claimed_fen: 600,
            paid: 2,
        }
    }

    #[test]
    fn sound_books_have_no_fault() {
        assert_eq!(refunded().faults(), []);
        let live = PacketBooks {
            closed_opened: None,
            refunded_fen: None,
            refund_fen: None,
            escrow_fen: Some(400),
            out_fen: 600,
            outs: 2,
            ..refunded()
        };
        assert_eq!(live.faults(), []);
        let waits_for_an_open = PacketBooks { closed_opened: Some(3), ..live.clone() };
        assert_eq!(waits_for_an_open.faults(), []);
        let frozen = PacketBooks { closed_opened: Some(2), is_frozen: true, ..live };
        assert_eq!(frozen.faults(), []);
    }

    #[test]
    fn every_single_change_is_found_by_the_check_it_concerns() {
        type Change = fn(&mut PacketBooks);
        let changes: [(Check, i64, Change); 12] = [
            (Check::Packets, 1, |books| books.total_fen = 999),
            (Check::Packets, 1_000, |books| books.funded_fen = None),
            (Check::Packets, 7, |books| books.escrow_fen = Some(7)),
            (Check::Packets, 5, |books| books.in_fen = 1_005),
            (Check::Packets, 400, |books| books.refunded_fen = None),
            (Check::Packets, 50, |books| books.claimed_fen = 650),
            (Check::Claims, 0, |books| books.paid = 1),
            (Check::Claims, 0, |books| books.outs = 4),
            (Check::Claims, 0, |books| books.claims = 3),
            (Check::Refunds, 0, |books| books.closed_opened = Some(3)),
            (Check::Refunds, 0, |books| books.closed_opened = None),
            (Check::Refunds, 0, |books| books.refund_fen = None),
        ];
        for (check, drift_fen, change) in changes {
            let mut books = refunded();
            change(&mut books);
            let faults = books.faults();
            let found = faults.iter().any(|fault| fault.check == check && fault.drift_fen == drift_fen);
            assert!(found, "{check:?} {drift_fen}: {faults:?}");
        }
    }

    #[test]
    fn an_account_is_known_and_is_its_postings() {
        let account = |id: &str, postings_fen| AccountBooks {
            id: id.to_owned(),
            balance_fen: 5,
            postings_fen,
            has_packet: false,
        };
        assert_eq!(account("wallet:us_a", 5).faults(), []);
        assert_eq!(account("suspense", 5).faults(), []);
        assert_eq!(account("wallet:us_a", 9).faults()[0].drift_fen, 4);
        for unknown in ["wallet:a", "packet:hb_00000000000000000000000001", "vault", "wallet", "world:2"] {
            assert_eq!(account(unknown, 5).faults().len(), 1, "{unknown}");
        }
    }
}
