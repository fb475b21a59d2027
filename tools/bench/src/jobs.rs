//! What the load asks: grabs, opens, sold-out grabs; and the vouchers that lie between grab and open.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use hongbao_core::PacketId;

use crate::load::Job;
use crate::people::People;
use crate::request::{number_field, post, text_field};

/// How many packets are in demand at a time, where the crowd goes through many.
const WAVE: u32 = 50;

/// Shares to be grabbed: which person takes which place of which packet, in waves of some packets at a time.
pub(crate) struct Shares {
    pub(crate) packets: Vec<PacketId>,
    names: Vec<String>,
    shares: u32,
    next: Cell<u32>,
}

impl Shares {
    pub(crate) fn new(packets: Vec<PacketId>, shares: u32) -> Self {
        let names = packets.iter().map(PacketId::to_string).collect();
        Self { packets, names, shares, next: Cell::new(0) }
    }

    /// The next share: its packet's number and the place in it.
    pub(crate) fn take(&self) -> Option<(u32, u32)> {
        let number = self.next.get();
        let packets = u32::try_from(self.packets.len()).ok()?;
        if number >= packets * self.shares {
            return None;
        }
        self.next.set(number + 1);
        let wave = number / (WAVE * self.shares);
        let width = WAVE.min(packets - wave * WAVE);
        let within = number % (WAVE * self.shares);
        Some((wave * WAVE + within % width, within / width))
    }

    pub(crate) fn name(&self, packet: u32) -> &str {
        &self.names[packet as usize]
    }
}

/// A grabbed share.
struct Grabbed {
    packet: u32,
    person: u32,
    voucher: Box<str>,
}

/// What was grabbed and opened so far, in one application.
pub(crate) struct Book {
    pub(crate) people: Rc<People>,
    pub(crate) shares: Shares,
    grabbed: RefCell<Vec<Grabbed>>,
    next_open: Cell<usize>,
    /// How many shares were opened, and what they held.
    pub(crate) opened: Cell<(u64, i64)>,
}

impl Book {
    pub(crate) fn new(people: &Rc<People>, packets: Vec<PacketId>, shares: u32) -> Rc<Self> {
        Rc::new(Self {
            people: Rc::clone(people),
            shares: Shares::new(packets, shares),
            grabbed: RefCell::default(),
            next_open: Cell::new(0),
            opened: Cell::default(),
        })
    }

    /// Everything that was grabbed: packet, person, voucher. It is the caller's to open.
    pub(crate) fn take_vouchers(&self) -> Vec<(u32, u32, Box<str>)> {
        let grabbed = self.grabbed.take();
        grabbed.into_iter().map(|share| (share.packet, share.person, share.voucher)).collect()
    }
}

/// Everybody grabs a share that is there.
pub(crate) struct Grab {
    book: Rc<Book>,
    /// Requests under way: who asked for what.
    asked: RefCell<Vec<(u32, u32)>>,
}

impl Grab {
    pub(crate) fn job(book: &Rc<Book>) -> Rc<dyn Job> {
        Rc::new(Self { book: Rc::clone(book), asked: RefCell::default() })
    }
}

impl Job for Grab {
    fn next(&self, out: &mut Vec<u8>) -> Option<u32> {
        let (packet, place) = self.book.shares.take()?;
        let person = self.book.people.taker(packet, place);
        let name = self.book.shares.name(packet);
        grab_request(out, name, self.book.people.token(person));
        let mut asked = self.asked.borrow_mut();
        asked.push((packet, person));
        u32::try_from(asked.len() - 1).ok()
    }

    fn answered(&self, number: u32, status: u16, body: &[u8]) -> bool {
        let (packet, person) = self.asked.borrow()[number as usize];
        let Some(voucher) = text_field(body, "voucher").filter(|_| status == 200) else { return false };
        self.book.grabbed.borrow_mut().push(Grabbed { packet, person, voucher: voucher.into() });
        true
    }
}

/// `POST /v1/packets/{id}/grab`.
pub(crate) fn grab_request(out: &mut Vec<u8>, packet: &str, token: &str) {
    post(out, format_args!("/v1/packets/{packet}/grab"), token, format_args!("{{}}"));
}

/// Everybody opens what they grabbed.
pub(crate) struct Open(Rc<Book>);

impl Open {
    pub(crate) fn job(book: &Rc<Book>) -> Rc<dyn Job> {
        Rc::new(Self(Rc::clone(book)))
    }
}

impl Job for Open {
    fn next(&self, out: &mut Vec<u8>) -> Option<u32> {
        let Self(book) = self;
        let number = book.next_open.get();
        let grabbed = book.grabbed.borrow();
        let share = grabbed.get(number)?;
        book.next_open.set(number + 1);
        let (packet, token) = (book.shares.name(share.packet), book.people.token(share.person));
        open_request(out, packet, token, &share.voucher);
        u32::try_from(number).ok()
    }

    fn answered(&self, _number: u32, status: u16, body: &[u8]) -> bool {
        let Self(book) = self;
        book.note_opened(status, body)
    }
}

/// `POST /v1/packets/{id}/open`.
pub(crate) fn open_request(out: &mut Vec<u8>, packet: &str, token: &str, voucher: &str) {
    post(out, format_args!("/v1/packets/{packet}/open"), token, format_args!("{{\"voucher\":\"{voucher}\"}}"));
}

impl Book {
    /// Books an answer of open; whether it is one.
    pub(crate) fn note_opened(&self, status: u16, body: &[u8]) -> bool {
        let Some(fen) = number_field(body, "amount_fen").filter(|_| status == 200) else { return false };
        let (shares, sum) = self.opened.get();
        self.opened.set((shares + 1, sum + fen));
        true
    }
}

/// People who come too late, over and over: packets without a share left, asked by who has none of them.
pub(crate) struct TooLate {
    people: Rc<People>,
    packets: Vec<String>,
    next: Cell<u32>,
}

impl TooLate {
    pub(crate) fn job(people: &Rc<People>, packets: &[PacketId]) -> Rc<dyn Job> {
        let packets = packets.iter().map(PacketId::to_string).collect();
        Rc::new(Self { people: Rc::clone(people), packets, next: Cell::new(0) })
    }
}

impl Job for TooLate {
    fn next(&self, out: &mut Vec<u8>) -> Option<u32> {
        let number = self.next.replace(self.next.get().wrapping_add(1));
        let packet = number as usize % self.packets.len();
        // The first place of each packet is who has its only share.
        let place = 1 + number / u32::try_from(self.packets.len()).ok()? % (self.people.count() - 1);
        let person = self.people.taker(u32::try_from(packet).ok()?, place);
        grab_request(out, &self.packets[packet], self.people.token(person));
        Some(number)
    }

    fn answered(&self, _number: u32, status: u16, body: &[u8]) -> bool {
        status == 409 && text_field(body, "code") == Some("sold_out")
    }
}

/// The same requests as [`TooLate`], for a handler that does nothing with them: what is compared is the handlers.
pub(crate) struct Nothing(Rc<dyn Job>);

impl Nothing {
    pub(crate) fn job(people: &Rc<People>) -> Rc<dyn Job> {
        let packets: Vec<_> = (0..u64::from(WAVE)).map(|number| PacketId::new(number, 0, number)).collect();
        Rc::new(Self(TooLate::job(people, &packets)))
    }
}

impl Job for Nothing {
    fn next(&self, out: &mut Vec<u8>) -> Option<u32> {
        self.0.next(out)
    }

    fn answered(&self, _number: u32, status: u16, _body: &[u8]) -> bool {
        status == 200
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hongbao_core::PacketId;

    use super::Shares;

    #[test]
    fn every_share_is_taken_once() {
        for packets in [1, 50, 70, 120] {
            let ids = (0..packets).map(|number| PacketId::new(1, 0, number)).collect();
            let shares = Shares::new(ids, 7);
            let taken: BTreeSet<_> = std::iter::from_fn(|| shares.take()).collect();
            let all: BTreeSet<_> =
                (0..u32::try_from(packets).unwrap()).flat_map(|p| (0..7).map(move |s| (p, s))).collect();
            assert_eq!(taken, all, "{packets} packets");
        }
    }
}
