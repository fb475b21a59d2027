//! Packets come back into the race under a new epoch: each when it is first asked for, and all of them by the sweep.
//!
//! **Invariant:** what is put back was read from the ledger while the shard was live under that same epoch, and goes in
//! only if the packet is not there under it. That is all there is to know of it: the entries of earlier epochs were
//! settled before this one went live, a batch read under an earlier one is refused by its fence, and this epoch has no
//! entry of a packet that is not in the race.
//!
//! **Invariant:** the ledger tells "not back yet" from "lost again". Packets come back in the order of their ids up to
//! the sweep's place, which is written down behind them: one that a shard has once confirmed, at or before that place,
//! has been back under this epoch. If it is gone, the shard has lost data and is fenced.

use core::time::Duration;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use hongbao_core::{Error, PacketId};

use crate::App;
use crate::ledger::{Ledger, Packet, Refill, ShardRecord};
use crate::shard::{Outcome, Shard};

/// How many packets of an instance are read from the ledger at a time. More wait for their turn, and who asks for one
/// that is being read waits for that reading: so a crowd is served, and the ledger sees little of it.
const TURNS: usize = 8;
/// How long somebody waits for that, and how often they look: tasks of one instance cannot wake each other.
const WAIT: Duration = Duration::from_millis(1_500);
const LOOK: Duration = Duration::from_millis(10);
/// The packets that the sweep reads at a time, and that one script puts back.
const PAGE: i64 = 500;
const PACKETS_A_CALL: usize = 50;
/// The most settled shares that are read at a time, or of one packet.
const SHARES_A_CALL: u32 = 2_000;
/// How many packets an instance remembers as over or under SQL authority.
const NOT_TO_HOLD_MAX: usize = 4_096;
/// How long one sweep goes on with it, in milliseconds: others wait behind it.
const A_SWEEP_MS: i64 = 1_000;

/// The packets that this instance is reading from the ledger, and those that it knows no shard has to hold any more:
/// they are over, or under SQL authority, which stays so.
#[derive(Default)]
pub(crate) struct Returning {
    reading: Rc<RefCell<BTreeSet<PacketId>>>,
    not_to_hold: RefCell<BTreeSet<PacketId>>,
}

struct Turn {
    of: Rc<RefCell<BTreeSet<PacketId>>>,
    id: PacketId,
}

impl Returning {
    fn begin(&self, id: PacketId) -> Option<Turn> {
        let mut reading = self.reading.borrow_mut();
        (reading.len() < TURNS && reading.insert(id)).then(|| Turn { of: self.reading.clone(), id })
    }

    fn is_reading(&self, id: PacketId) -> bool {
        self.reading.borrow().contains(&id)
    }

    fn is_not_to_hold(&self, id: PacketId) -> bool {
        self.not_to_hold.borrow().contains(&id)
    }

    fn note_not_to_hold(&self, id: PacketId) {
        let mut ids = self.not_to_hold.borrow_mut();
        if ids.len() >= NOT_TO_HOLD_MAX {
            ids.pop_first();
        }
        ids.insert(id);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.of.borrow_mut().remove(&self.id);
    }
}

impl App {
    /// Does `work` on the shard of a packet. Where the shard does not hold the packet and has to, the packet is put
    /// back and `work` done once more.
    ///
    /// # Errors
    /// Those of [`App::on_shard`], of [`put_back`](Self::put_back) and of `work`.
    pub(crate) async fn on_packet<T>(
        &self,
        id: PacketId,
        work: impl AsyncFn(&Shard) -> Result<Outcome<T>, Error>,
    ) -> Result<Outcome<T>, Error> {
        match self.on_shard(id, &work).await? {
            Outcome::Missing if self.put_back(id).await? => self.on_shard(id, &work).await,
            found => Ok(found),
        }
    }

    /// Puts a packet that its shard does not hold into the race; `false` when it is not to be there: it is over, or
    /// under SQL authority.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such packet; [`Error::Degraded`] when too many others wait to be put back;
    /// [`Error::Unavailable`] when the shard has lost it, or the shard or the ledger does not answer.
    pub(crate) async fn put_back(&self, id: PacketId) -> Result<bool, Error> {
        let (mut waited, mut was_read) = (Duration::ZERO, false);
        let _turn = loop {
            if self.returning.is_not_to_hold(id) {
                return Ok(false);
            }
            // The shard is asked once, when somebody has read the packet meanwhile.
            let has_been_read = was_read && !self.returning.is_reading(id);
            if has_been_read && self.on_shard(id, async |shard| shard.holds(id).await).await? {
                return Ok(true);
            }
            if let Some(turn) = self.returning.begin(id) {
                break turn;
            }
            if waited >= WAIT {
                return Err(Error::Degraded);
            }
            was_read = self.returning.is_reading(id);
            self.pause(LOOK).await;
            waited = waited.saturating_add(LOOK);
        };
        let shard = self.shard(id).await?;
        let (epoch, ledger) = (shard.live_epoch().await?, self.ledger().await?);
        let packet = ledger.known_packet(id).await?;
        if packet.is_over() || packet.is_in_sql {
            self.learn_end(&packet).await?;
            self.returning.note_not_to_hold(id);
            return Ok(false);
        }
        if !packet.is_loaded && !packet.is_from_before(epoch) {
            return shard.load(&packet.facts).await.map(|_| true);
        }
        let record = ledger.shard(shard.number).await?;
        if packet.is_loaded && record.epoch == epoch && record.is_back(id) {
            return self.found_lost(shard, id, epoch).await;
        }
        let claims = if packet.settled == 0 { Vec::new() } else { ledger.claims(id).await? };
        shard.put_back(&[(&packet, claims.as_slice())], epoch).await.map(|_| true)
    }

    /// Remembers who has a share of a packet that has ended: nobody else is looked for in the ledger again.
    async fn learn_end(&self, packet: &Packet) -> Result<(), Error> {
        let id = packet.facts.id;
        if let Some(known) = self.memory.get(id).filter(|_| packet.has_ended()) {
            let claims = self.ledger().await?.claims(id).await?;
            known.note_over_for_good(&packet.refusal(Error::SoldOut), claims.iter().map(|(user, _)| user));
        }
        Ok(())
    }

    /// A packet that has been back under `epoch` is gone, unless it came back just now.
    async fn found_lost(&self, shard: &Shard, id: PacketId, epoch: u32) -> Result<bool, Error> {
        if shard.holds(id).await? {
            return Ok(true);
        }
        shard.fence(Some(epoch)).await?;
        Err(Error::Unavailable(format!("shard {} has lost {id}", shard.number)))
    }

    /// Goes on putting the packets of a shard back, for a while; answers how many it was.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; the next sweep goes on behind the last page that is back.
    pub(crate) async fn refill(&self, shard: &Shard) -> Result<usize, Error> {
        let (ledger, until_ms) = (self.ledger().await?, self.now_ms().saturating_add(A_SWEEP_MS));
        let mut back = 0;
        loop {
            let record = ledger.shard(shard.number).await?;
            let Some(refill) = &record.refill else { return Ok(back) };
            if shard.trusted_epoch() != Some(record.epoch) {
                return Ok(back); // It is not open yet.
            }
            let (put, is_last) = refill_page(shard, ledger, &record, refill).await?;
            back += put;
            if is_last || self.now_ms() >= until_ms {
                return Ok(back);
            }
        }
    }
}

/// Puts the next page back: how many packets that was, and whether it was the last.
async fn refill_page(
    shard: &Shard,
    ledger: &Ledger,
    record: &ShardRecord,
    refill: &Refill,
) -> Result<(usize, bool), Error> {
    let epoch = shard.live_epoch().await?;
    if epoch != record.epoch {
        return Ok((0, true));
    }
    if refill.after.is_empty() {
        // Only for people to read: nothing waits for it.
        if let Err(error) = ledger.count_refill(record).await {
            eprintln!("the packets of shard {} are not counted: {error:?}", shard.number);
        }
    }
    let ids = ledger.unfinished(shard.number, &refill.after, PAGE).await?;
    let is_last = i64::try_from(ids.len()).is_ok_and(|found| found < PAGE);
    let mut packets = ledger.packets(&ids).await?;
    // One that is being sent now is loaded by who sends it.
    packets.retain(|packet| packet.is_loaded || packet.is_from_before(epoch));
    for call in calls(&packets) {
        let paid: Vec<PacketId> =
            call.iter().filter(|packet| packet.settled > 0).map(|packet| packet.facts.id).collect();
        let claims = if paid.is_empty() { BTreeMap::new() } else { ledger.claims_of(&paid).await? };
        let of = |packet: &Packet| claims.get(&packet.facts.id).map(Vec::as_slice).unwrap_or_default();
        let call: Vec<_> = call.iter().map(|packet| (packet, of(packet))).collect();
        shard.put_back(&call, epoch).await?;
    }
    let last = if is_last { None } else { ids.last().copied() };
    ledger.note_refill(record, &refill.after, last, ids.len()).await?;
    Ok((ids.len(), is_last))
}

/// The packets in the parts that one script puts back.
fn calls(packets: &[Packet]) -> Vec<&[Packet]> {
    let (mut parts, mut rest) = (Vec::new(), packets);
    while !rest.is_empty() {
        let mut shares = 0_u32;
        let fits = |packet: &&Packet| {
            shares = shares.saturating_add(packet.settled);
            shares <= SHARES_A_CALL
        };
        let (part, others) = rest.split_at(rest.iter().take(PACKETS_A_CALL).take_while(fits).count().max(1));
        parts.push(part);
        rest = others;
    }
    parts
}
