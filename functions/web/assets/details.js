// Inside a packet: my amount, who got what, and once it is over, the proof.

import { poll } from './api.js';
import { el, put } from './dom.js';
import { yuan } from './money.js';
import { face, nameOf } from './people.js';
import { clock, span, t } from './words.js';

/** Shows a packet in `stage` and keeps it up to date until it is over; answers how to stop. */
export function details(stage, session, first, { isFresh = false, amountFen = null, openedAtMs = 0 } = {}) {
  const amount = el('div.mine');
  const summary = el('p.summary');
  const list = el('ol.shares');
  const proof = el('div.proof');
  put(
    stage,
    el(
      `div.details${isFresh ? '.fresh' : ''}`,
      el(`header.cover-${first.cover ?? 'classic'}`, el('span.arc', { 'aria-hidden': 'true' })),
      face(first.sender, 'big'),
      el('p.from', t('from', { user: nameOf(first.sender) })),
      el('p.greeting', first.greeting ?? t('greetingDefault')),
      amount,
      summary,
      list,
      proof,
    ),
  );
  let arrived = false;
  let proven = false;

  function draw(packet) {
    const mine = packet.shares.find((share) => share.user === session.user);
    const got = mine?.amount_fen ?? amountFen;
    if (mine) session.remember(packet.packet_id, mine.amount_fen, mine.opened_at_ms);
    if (got !== null) {
      put(
        amount,
        el('p.amount', el('span.unseen', `${t('got')} `), el('small', '¥'), yuan(got)),
        el('p.settling', { role: 'status' }, arrived ? `✓ ${t('inWallet')}` : `… ${t('arriving')}`),
      );
    }
    put(summary, sum(packet));
    const isHidden = packet.shares.length === 0 && packet.opened > 0;
    const byTime = [...packet.shares].sort(
      (one, other) => other.opened_at_ms - one.opened_at_ms || other.seq - one.seq,
    );
    put(list, isHidden ? el('li.hint', t('hidden')) : byTime.map((share) => row(share)));
    if (packet.seed && !proven) {
      proven = true;
      const button = el('button.verify', { type: 'button', onclick: () => prove(packet) }, '🔍 ', t('verify'));
      put(proof, button, el('small', t('verifyAgain')));
    }
  }

  function row(share) {
    const isMe = share.user === session.user;
    return el(
      `li${isMe ? '.me' : ''}`,
      { 'data-user': share.user, 'data-fen': share.amount_fen },
      face(share.user),
      el('span.name', nameOf(share.user), isMe && el('small', ` (${t('you')})`), el('time', clock(share.opened_at_ms))),
      el('span.sum', `¥${yuan(share.amount_fen)}`, share.best && el('b.best', `👑 ${t('best')}`)),
    );
  }

  async function prove(packet) {
    const { verify } = await import('./verify.js');
    await verify(proof, session, packet);
  }

  async function ask() {
    const packet = await session.ask('GET', `/v1/packets/${first.packet_id}`);
    const share = packet.shares.find((one) => one.user === session.user);
    const at = share?.opened_at_ms ?? openedAtMs;
    if (at && !arrived) arrived = (await session.ask('GET', '/v1/me')).settled_through_ms > at;
    const isOver = packet.state === 'finished' || (packet.state === 'expired' && isWhole(packet));
    draw(packet);
    if (isOver && (arrived || !at)) live.stop();
    return !isOver;
  }

  draw(first);
  const live = poll(() => Promise.resolve().then(ask), { everyMs: 900, idleMs: 4000 });
  return live.stop;
}

/** Whether all money of a packet is accounted for: opened, or back. */
function isWhole(packet) {
  return packet.refunded_fen + packet.shares.reduce((sum, share) => sum + share.amount_fen, 0) === packet.total_fen;
}

function sum(packet) {
  const some = packet.shares.reduce((all, share) => all + share.amount_fen, 0);
  const blanks = { opened: packet.opened, count: packet.count, total: yuan(packet.total_fen), some: yuan(some) };
  const parts = [
    packet.shares.length === packet.opened && packet.opened > 0 ? t('progress', blanks) : t('progressShort', blanks),
  ];
  if (packet.state === 'finished') {
    const last = Math.max(...packet.shares.map((share) => share.opened_at_ms));
    parts.push(t('finishedIn', { left: span(last - packet.starts_at_ms) }));
  }
  if (packet.state === 'expired') parts.push(t('expired'));
  if (packet.state === 'scheduled') parts.push(t('opensIn', { left: span(packet.starts_at_ms - Date.now()) }));
  if (packet.refunded_fen > 0) parts.push(t('refunded', { yuan: yuan(packet.refunded_fen) }));
  return parts.join(' · ');
}
