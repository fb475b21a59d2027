//! The packets of a group, and those to one person alone.

use hongbao_core::packet::{Recipient, State};
use hongbao_core::split::Kind;
use hongbao_core::wire::AddressedPacket;
use hongbao_core::{Error, Fen, PacketId, UserId};

use super::{Ledger, Page, Place, page};
use crate::sql::Reader;

impl Ledger {
    /// Packets to `to` below `before`, newest first, as they stand at `now_ms` for `reader`; and the place that the
    /// next page is below.
    pub async fn addressed(
        &self,
        to: &Recipient,
        reader: &UserId,
        before: &Place,
        limit: i64,
        now_ms: i64,
    ) -> Result<Page<AddressedPacket, Place>, Error> {
        let (before_ms, before_id) = before.clone();
        let parameters = vec![
            to.as_str().into(),
            reader.as_str().into(),
            before_ms.into(),
            before_id.into(),
            limit.saturating_add(1).into(),
        ];
        let rows = self.rows(self.sql.addressed, parameters).await?;
        let packets = rows.into_iter().map(|row| read(Reader::new(row), now_ms)).collect::<Result<_, _>>()?;
        Ok(page(packets, limit, |packet: &AddressedPacket| (packet.created_at_ms, packet.packet_id.to_string())))
    }
}

fn read(mut row: Reader, now_ms: i64) -> Result<AddressedPacket, Error> {
    let (packet_id, sender, kind) =
        (row.parsed(PacketId::parse)?, row.parsed(UserId::parse)?, row.parsed(Kind::parse)?);
    let (total_fen, count) = (row.fen()?, row.count()?);
    let (greeting, cover, has_password) = (row.optional_text()?, row.optional_text()?, row.int()? != 0);
    let (settled, is_closed) = (row.count()?, row.optional_int()?.is_some());
    let (created_at_ms, starts_at_ms, expires_at_ms) = (row.int()?, row.int()?, row.int()?);
    let state = State::of((settled, count), is_closed, (starts_at_ms, expires_at_ms), now_ms);
    let my_amount_fen = row.optional_int()?.and_then(Fen::new);
    Ok(AddressedPacket {
        packet_id,
        sender,
        kind,
        total_fen,
        count,
        greeting,
        cover,
        has_password,
        state,
        settled,
        my_amount_fen,
        created_at_ms,
        starts_at_ms,
        expires_at_ms,
    })
}
