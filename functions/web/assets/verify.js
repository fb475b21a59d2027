// The proof, computed here: the server's own split as WebAssembly, from the published seed. Nobody is asked.

import init, { amounts, commitment, simulate } from './fairness.js';
import { el, put } from './dom.js';
import { yuan } from './money.js';
import { nameOf } from './people.js';
import { histogram } from './plot.js';
import { t } from './words.js';

const ROUNDS = 4000;
/** The most shares that are listed; all are checked. */
const LISTED = 200;
let ready;

/** Checks a packet that is over and shows every step in `place`. */
export async function verify(place, session, packet) {
  ready ??= init();
  await ready;
  const shares = [...amounts(packet.kind, packet.seed, BigInt(packet.total_fen), packet.count)].map(Number);
  const computed = commitment(packet.packet_id, packet.seed);
  const sum = shares.reduce((all, fen) => all + fen, 0);
  const opened = new Map(packet.shares.map((share) => [share.seq, share]));
  const differing = packet.shares.filter((share) => shares[share.seq] !== share.amount_fen);
  const steps = [
    [true, t('verifySeed'), packet.seed],
    [computed === packet.commitment, t('verifyCommitment'), computed],
    [sum === packet.total_fen, t('verifySum', { count: packet.count, yuan: yuan(packet.total_fen) })],
    [differing.length === 0, t('verifyShares', { checked: opened.size })],
  ];
  const isFair = steps.every(([holds]) => holds);
  const mine = packet.shares.find((share) => share.user === session.user);
  put(
    place,
    el(
      `p.verdict${isFair ? '.fair' : '.unfair'}`,
      { role: 'status', tabindex: -1 },
      isFair ? `✓ ${t('verified')}` : `✗ ${t('unfair')}`,
    ),
    el(
      'ol.steps',
      steps.map(([holds, text, code]) =>
        el(`li${holds ? '.holds' : '.breaks'}`, text, !holds && ` — ${t('verifyBad')}`, code && el('code', code)),
      ),
    ),
    table(packet, shares, opened),
    mine && packet.kind === 'lucky' && packet.count > 1 && luck(packet, mine),
  );
  place.querySelector('.verdict').focus();
}

/** Every share, in the order of the race, with what was possible at its place. */
function table(packet, shares, opened) {
  let left = packet.total_fen;
  const rows = shares.slice(0, LISTED).map((fen, seq) => {
    const people = packet.count - seq;
    const high = people === 1 ? left : Math.floor((2 * left - 1) / people);
    const low = people === 1 ? left : 1;
    left -= fen;
    const share = opened.get(seq);
    const holds = !share || share.amount_fen === fen;
    return el(
      `tr${holds ? '' : '.breaks'}`,
      el('td', t('seq', { n: seq + 1 })),
      el('td', share ? nameOf(share.user) : t('noOne')),
      el(
        'td',
        `¥${yuan(fen)}`,
        packet.kind === 'lucky' && low < high && el('small', t('range', { low: yuan(low), high: yuan(high) })),
      ),
      el('td', holds ? '✓' : '✗'),
    );
  });
  const note = shares.length > LISTED && el('p.hint', t('verifyFirst', { n: LISTED, count: shares.length }));
  return [note, el('table.checked', el('caption.unseen', t('verify')), el('tbody', rows))];
}

function luck(packet, mine) {
  const start = [...crypto.getRandomValues(new Uint8Array(32))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
  const others = [...simulate(packet.kind, start, BigInt(packet.total_fen), packet.count, mine.seq, ROUNDS)].map(
    Number,
  );
  const below =
    others.filter((fen) => fen < mine.amount_fen).length + others.filter((fen) => fen === mine.amount_fen).length / 2;
  const percent = Math.round((100 * below) / others.length);
  return el(
    'figure.luck',
    el('h3', t('luck')),
    histogram(others, mine.amount_fen, t('luckPicture', { n: mine.seq + 1, yuan: yuan(mine.amount_fen) })),
    el('figcaption', t('luckText', { n: mine.seq + 1, rounds: others.length, percent })),
  );
}
