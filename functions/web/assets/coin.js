// The envelope with its coin: the password, the time, the tap.

import { persist } from './api.js';
import { el, put, write } from './dom.js';
import { envelope, reveal } from './envelope.js';
import { nameOf } from './people.js';
import { isTimeKnown, now } from './time.js';
import { explain, span, t, waiting } from './words.js';

/**
 * Shows a packet that is not over in `stage`; answers how to stop. `onShare` is called when a share is mine, `onEnd`
 * with the packet and what is known of the share when all has been shown, `onOver` with the packet and a code when it
 * is too late.
 */
export function coin(stage, session, packet, { isOpen, onShare, onEnd, onOver }) {
  const path = `/v1/packets/${packet.packet_id}`;
  const say = el('p.say', { role: 'status' });
  const password =
    packet.has_password &&
    el('input', {
      type: 'text',
      id: 'password',
      dir: 'auto',
      autocomplete: 'off',
      'aria-label': t('password'),
      placeholder: t('passwordAsk'),
    });
  const button = el('button.coin', { 'aria-label': t('openLabel', { user: nameOf(packet.sender) }) }, t('open'));
  const onsubmit = (event) => {
    event.preventDefault();
    tap();
  };
  const form = el('form', { novalidate: true, onsubmit }, password, button);
  const shape = envelope(packet, form, say);
  shape.classList.toggle('sealed', Boolean(password));
  put(stage, shape);
  (password || button).focus();
  let timer;
  if (packet.state === 'scheduled') countDown(packet.starts_at_ms);

  /** The server decides when it is time: where its time is not known the coin can be pressed and asks. */
  function countDown(startsAt, isTold = isTimeKnown) {
    const tick = () => {
      const left = startsAt - now();
      write(say, left > 0 ? t('opensIn', { left: span(left) }) : '');
      button.disabled = isTold() && left > 0;
      if (left <= 0) clearInterval(timer);
    };
    clearInterval(timer);
    timer = setInterval(tick, 200);
    tick();
  }

  async function tap() {
    if (button.disabled) return;
    if (password && !password.value.trim()) {
      put(say, t('passwordAsk'));
      password.focus();
      return;
    }
    clearInterval(timer);
    button.disabled = true;
    button.classList.add('turning');
    put(say);
    const waits = (refusal, ms) => {
      // Too many guesses are not a crowd: asking again by itself would only be one more.
      if (password && refusal.code === 'rate_limited') return false;
      put(say, waiting(refusal, ms));
      return isOpen();
    };
    try {
      // Both can be repeated: the same share answers, with the same amount.
      const word = password ? { password: password.value } : {};
      const { voucher } = await persist(() => session.ask('POST', `${path}/grab`, word), waits);
      const opened = await persist(() => session.ask('POST', `${path}/open`, { voucher }), waits);
      session.remember(packet.packet_id, opened.amount_fen, opened.opened_at_ms);
      onShare();
      await reveal(shape);
      // The amount is shown whether or not the rest can be seen just now.
      const seen = await session.ask('GET', path).catch(() => ({ ...packet, ...only(packet, session, opened) }));
      if (isOpen()) onEnd(seen, { isFresh: true, amountFen: opened.amount_fen, openedAtMs: opened.opened_at_ms });
    } catch (refusal) {
      refused(refusal);
    }
  }

  async function refused(refusal) {
    button.classList.remove('turning');
    button.disabled = false;
    if (['sold_out', 'expired'].includes(refusal.code)) {
      const seen = await session.ask('GET', path).catch(() => packet);
      onOver(seen, refusal.code);
    } else if (refusal.code === 'not_started') {
      countDown(now() + (refusal.retryAfterMs ?? 1000), () => true);
    } else {
      put(say, explain(refusal));
      if (password) password.select();
    }
  }

  return () => clearInterval(timer);
}

/** A packet of which nothing is known but my share. */
function only(packet, session, { seq, amount_fen, opened_at_ms }) {
  const shares = [{ user: session.user, seq, amount_fen, opened_at_ms, best: false }];
  return { shares, opened: Math.max(1, packet.opened ?? packet.settled), refunded_fen: 0, seed: null };
}
