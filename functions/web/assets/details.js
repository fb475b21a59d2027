// Inside a packet: my amount, who got what, and once it is over, the proof.

import { poll } from './api.js';
import { toast } from './dialog.js';
import { el, keep, put, write } from './dom.js';
import { wishes } from './envelope.js';
import { yuan } from './money.js';
import { face, nameOf, who } from './people.js';
import { moment, now } from './time.js';
import { explain, span, t, zoneNote } from './words.js';

/** The most shares that come at once. */
const PAGE = 100;

/** My share of a packet; `null` as long as I have none. */
export const shareOf = (packet, session) =>
  packet.my_share ?? packet.shares.find((share) => share.user === session.user) ?? null;

/** Shows a packet in `stage` and keeps it up to date until it is over; answers how to stop. */
export function details(stage, session, first, { isFresh = false, amountFen = null, openedAtMs = 0 } = {}) {
  const amount = el('span');
  const settling = el('p.settling', { role: 'status' });
  const mine = el(
    'div.mine',
    { hidden: true },
    el('p.amount', el('span.unseen', `${t('got')} `), el('small', '¥'), amount),
    settling,
  );
  const summary = el('p.summary');
  const list = el('ol.shares');
  const hint = el('p.hint', { hidden: true }, t('hidden'));
  const more = el('button.plain', { type: 'button', hidden: true, onclick: () => readMore() }, t('nextPage'));
  const proof = el('div.proof');
  put(
    stage,
    el(
      `div.details${isFresh ? '.fresh' : ''}`,
      el(`header.cover-${first.cover ?? 'classic'}`, el('span.arc', { 'aria-hidden': 'true' })),
      face(first.sender, 'big'),
      el('p.from', t('from', { user: nameOf(first.sender) })),
      wishes(first),
      mine,
      summary,
      hint,
      list,
      more,
      zoneNote(),
      proof,
    ),
  );
  // Shares come in pages; those that were read stay. A packet of several pages is listed in the order of the race, in
  // which they come, so that what is read next stands below; a small one with the newest above.
  const isLong = first.count > PAGE || (first.next ?? null) !== null;
  const shares = new Map();
  let [latest, next, isPaged, arrived, proven] = [first, null, false, false, false];

  function draw(packet) {
    latest = packet;
    const own = shareOf(packet, session);
    for (const share of [own, ...packet.shares].filter(Boolean)) shares.set(share.seq, share);
    if (!isPaged) next = packet.next ?? null;
    const got = own?.amount_fen ?? amountFen;
    if (own) session.remember(packet.packet_id, own.amount_fen, own.opened_at_ms);
    if (got !== null) {
      write(amount, yuan(got));
      write(settling, arrived ? `✓ ${t('inWallet')}` : `… ${t('arriving')}`);
      mine.hidden = false;
    }
    drawShares();
    if (packet.seed && !proven) {
      proven = true;
      const button = el('button.verify', { type: 'button', onclick: () => prove() }, '🔍 ', t('verify'));
      put(proof, button, el('small', t('verifyAgain')));
    }
  }

  function drawShares() {
    const all = [...shares.values()];
    write(summary, sum(latest, all));
    hint.hidden = all.length > 0 || latest.opened === 0;
    all.sort((one, other) =>
      isLong ? one.seq - other.seq : other.opened_at_ms - one.opened_at_ms || other.seq - one.seq,
    );
    keep(list, all, (share) => JSON.stringify([share.seq, share.user, share.amount_fen, share.best]), row);
    more.hidden = next === null && !(isPaged && all.length < latest.opened);
  }

  function row(share) {
    const isMe = share.user === session.user;
    return el(
      `li${isMe ? '.me' : ''}`,
      { 'data-user': share.user, 'data-fen': share.amount_fen },
      face(share.user),
      el('span.name', who(share.user, isMe && ` (${t('you')})`), moment(share.opened_at_ms)),
      el('span.sum', `¥${yuan(share.amount_fen)}`, share.best && el('b.best', `👑 ${t('best')}`)),
    );
  }

  const path = `/v1/packets/${first.packet_id}`;

  /** Reads the next page of shares; after the last one the first again, since shares are not opened in their order. */
  async function readPage() {
    const page = await session.ask('GET', next === null ? path : `${path}?after=${encodeURIComponent(next)}`);
    isPaged = true;
    for (const share of page.shares) shares.set(share.seq, share);
    next = page.next ?? null;
  }

  async function readMore() {
    more.disabled = true;
    const before = shares.size;
    try {
      // Of pages that show nothing new one press reads several, up to the last.
      do await readPage();
      while (shares.size === before && next !== null);
    } catch (refusal) {
      toast(explain(refusal));
    }
    more.disabled = false;
    drawShares();
  }

  async function prove() {
    try {
      if (shares.size < latest.opened) {
        next = null;
        do await readPage();
        while (next !== null);
        drawShares();
      }
      const { verify } = await import('./verify.js');
      await verify(proof, session, { ...latest, shares: [...shares.values()] });
    } catch (refusal) {
      // Either a page of shares was refused, or this browser runs no WebAssembly.
      put(proof, el('p.problem', { role: 'alert' }, refusal.code ? explain(refusal) : t('verifyNot')));
    }
  }

  async function ask() {
    const packet = await session.ask('GET', path);
    const at = shareOf(packet, session)?.opened_at_ms ?? openedAtMs;
    if (at && !arrived) arrived = (await session.ask('GET', '/v1/me')).settled_through_ms > at;
    // Of a packet that expired something was left: it is over when that is back.
    const isOver = packet.state === 'finished' || (packet.state === 'expired' && packet.refunded_fen > 0);
    draw(packet);
    if (isOver && (arrived || !at)) live.stop();
    return !isOver;
  }

  draw(first);
  const live = poll(() => Promise.resolve().then(ask), { everyMs: 900, idleMs: 4000 });
  return live.stop;
}

function sum(packet, shares) {
  const some = shares.reduce((all, share) => all + share.amount_fen, 0);
  const isAll = shares.length === packet.opened && packet.opened > 0;
  const blanks = { opened: packet.opened, count: packet.count, total: yuan(packet.total_fen), some: yuan(some) };
  const parts = [t(isAll ? 'progress' : 'progressShort', blanks)];
  if (packet.state === 'finished' && isAll) {
    const last = Math.max(...shares.map((share) => share.opened_at_ms));
    parts.push(t('finishedIn', { left: span(last - packet.starts_at_ms) }));
  }
  if (packet.state === 'expired') parts.push(t('expired'));
  if (packet.state === 'scheduled') parts.push(t('opensIn', { left: span(packet.starts_at_ms - now()) }));
  if (packet.refunded_fen > 0) parts.push(t('refunded', { yuan: yuan(packet.refunded_fen) }));
  return parts.join(' · ');
}
