// One packet, opened: the envelope, the tap, the amount. `details.js` shows what is inside.

import { persist } from './api.js';
import { details } from './details.js';
import { dialog, el, isCalm, put } from './dom.js';
import { yuan } from './money.js';
import { face, nameOf } from './people.js';
import { explain, span, t } from './words.js';

/** Opens the dialog on a packet of the list. `onChange` is called when it is mine, or gone. */
export function openPacket(session, listed, onChange) {
  const stage = el('div.stage');
  const node = dialog('packet-dialog', t('from', { user: nameOf(listed.sender) }), t('close'), stage);
  let stop = () => {};
  node.addEventListener('close', () => stop());
  const inside = (packet, options) => {
    stop();
    stop = details(stage, session, packet, options);
  };
  const look = async () => {
    const packet = await persist(
      () => session.ask('GET', `/v1/packets/${listed.packet_id}`),
      (refusal, ms) => {
        put(
          stage,
          envelope(
            listed,
            el(
              'p.say',
              t(refusal.code === 'offline' ? 'offlineWhy' : 'momentWhy'),
              el('small', t('moment', { left: span(ms) })),
            ),
          ),
        );
        return node.open && refusal.code !== 'degraded';
      },
    );
    if (!node.open) return;
    const isMine = packet.shares.some((share) => share.user === session.user);
    const isForOther = packet.to.user && packet.to.user !== session.user;
    if (isMine || isForOther) inside(packet);
    else if (packet.state === 'finished') tooLate(packet);
    else if (packet.state === 'expired') expired(packet);
    else closed(packet);
  };

  const seeAll = (packet) => el('button.plain.light', { type: 'button', onclick: () => inside(packet) }, t('see'));

  function tooLate(packet) {
    session.rememberGone(packet.packet_id);
    onChange();
    put(
      stage,
      envelope(
        packet,
        el('p.say', { role: 'alert' }, t('soldOutTitle'), el('small', t('soldOutHint'))),
        seeAll(packet),
      ),
    );
  }

  function expired(packet) {
    const back =
      packet.refunded_fen > 0
        ? t('expiredHint', { yuan: yuan(packet.refunded_fen), user: nameOf(packet.sender) })
        : t('expiredWaiting', { user: nameOf(packet.sender) });
    put(stage, envelope(packet, el('p.say', { role: 'alert' }, t('expiredTitle'), el('small', back)), seeAll(packet)));
    onChange();
  }

  /** The envelope with its coin. */
  function closed(packet) {
    const say = el('p.say', { role: 'status' });
    const password =
      packet.has_password &&
      el('input', {
        type: 'text',
        id: 'password',
        maxlength: 32,
        autocomplete: 'off',
        required: true,
        'aria-label': t('password'),
        placeholder: t('passwordAsk'),
      });
    const coin = el('button.coin', { 'aria-label': t('openLabel', { user: nameOf(packet.sender) }) }, t('open'));
    const form = el(
      'form',
      {
        onsubmit: (event) => {
          event.preventDefault();
          tap();
        },
      },
      password,
      coin,
    );
    const shape = envelope(packet, say, form);
    put(stage, shape);
    (password || coin).focus();
    if (packet.state === 'scheduled') countDown();

    function countDown() {
      coin.disabled = true;
      const tick = () => {
        const left = packet.starts_at_ms - Date.now();
        put(say, left > 0 ? t('opensIn', { left: span(left) }) : '');
        coin.disabled = left > 0;
        if (left <= 0) clearInterval(timer);
      };
      const timer = setInterval(tick, 200);
      stop = () => clearInterval(timer);
      tick();
    }

    async function tap() {
      if (coin.disabled) return;
      coin.disabled = true;
      coin.classList.add('turning');
      put(say);
      const waits = (refusal, ms) => {
        put(
          say,
          t(refusal.code === 'offline' ? 'offlineWhy' : 'momentWhy'),
          el('small', t('moment', { left: span(ms) })),
        );
        return node.open;
      };
      const path = `/v1/packets/${packet.packet_id}`;
      try {
        // Both can be repeated: the same share answers, with the same amount.
        const { voucher } = await persist(
          () => session.ask('POST', `${path}/grab`, password ? { password: password.value } : {}),
          waits,
        );
        const opened = await persist(() => session.ask('POST', `${path}/open`, { voucher }), waits);
        session.remember(packet.packet_id, opened.amount_fen, opened.opened_at_ms);
        onChange();
        await reveal(shape);
        // The amount is shown whether or not the rest can be seen just now.
        const seen = await session.ask('GET', path).catch(() => ({ ...packet, ...only(packet, session, opened) }));
        if (node.open) inside(seen, { isFresh: true, amountFen: opened.amount_fen, openedAtMs: opened.opened_at_ms });
      } catch (refusal) {
        refused(refusal);
      }
    }

    async function refused(refusal) {
      coin.classList.remove('turning');
      coin.disabled = false;
      if (['sold_out', 'expired'].includes(refusal.code)) {
        const now = await session.ask('GET', `/v1/packets/${packet.packet_id}`).catch(() => packet);
        if (refusal.code === 'expired') expired(now);
        else tooLate(now);
        return;
      }
      if (refusal.code === 'not_started') {
        packet.starts_at_ms = Math.max(packet.starts_at_ms, Date.now() + (refusal.retryAfterMs ?? 1000));
        countDown();
        return;
      }
      put(say, explain(refusal));
      if (refusal.code === 'wrong_password') password.select();
    }
  }

  put(stage, envelope(listed));
  look().catch((refusal) => {
    // Details are given up first under load; a share can still be had.
    if (refusal.code === 'degraded') closed({ to: { group: session.group }, ...listed });
    else put(stage, envelope(listed, el('p.say', { role: 'alert' }, explain(refusal))));
  });
}

/** A packet of which nothing is known but my share. */
function only(packet, session, { seq, amount_fen, opened_at_ms }) {
  const shares = [{ user: session.user, seq, amount_fen, opened_at_ms, best: false }];
  return { shares, opened: Math.max(1, packet.opened ?? packet.settled), refunded_fen: 0, seed: null };
}

function envelope(packet, ...inside) {
  return el(
    `div.envelope.cover-${packet.cover ?? 'classic'}`,
    el('div.top', { 'aria-hidden': 'true' }),
    el(
      'div.front',
      face(packet.sender, 'big'),
      el('p.from', t('from', { user: nameOf(packet.sender) })),
      el('p.greeting', packet.greeting ?? t('greetingDefault')),
      inside,
    ),
  );
}

/** The envelope comes apart and coins fly; for who wants it calm, nothing moves. */
function reveal(shape) {
  if (isCalm()) return Promise.resolve();
  shape.classList.add('opened');
  const coins = Array.from({ length: 22 }, () => {
    const coin = el('span.bit', { 'aria-hidden': 'true' });
    coin.style.setProperty('--x', `${Math.random() * 320 - 160}px`);
    coin.style.setProperty('--y', `${-120 - Math.random() * 260}px`);
    coin.style.setProperty('--turn', `${Math.random() * 900}deg`);
    return coin;
  });
  shape.append(...coins);
  return new Promise((resolve) => {
    setTimeout(resolve, 650);
  });
}
