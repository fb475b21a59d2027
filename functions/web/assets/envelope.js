// The envelope: whose it is, what it wishes, and what is put into it.

import { el, isCalm } from './dom.js';
import { face, nameOf } from './people.js';
import { t } from './words.js';

/** What it wishes. A long one scrolls, by keyboard too. */
export function wishes(packet) {
  const node = el('p.greeting', { dir: 'auto' }, packet.greeting ?? t('greetingDefault'));
  requestAnimationFrame(() => node.scrollHeight > node.clientHeight && node.setAttribute('tabindex', 0));
  return node;
}

/** The envelope; `inside` comes under the flap. */
export function envelope(packet, ...inside) {
  return el(
    `div.envelope.cover-${packet.cover ?? 'classic'}`,
    el(
      'div.over',
      face(packet.sender, 'big'),
      el('p.from', t('from', { user: nameOf(packet.sender) })),
      wishes(packet),
    ),
    el('div.front', inside),
  );
}

/** The envelope comes apart and coins fly; for who wants it calm, nothing moves. */
export function reveal(shape) {
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
