// A packet as a message of the chat.

import { el } from './dom.js';
import { yuan } from './money.js';
import { face, nameOf, who } from './people.js';
import { moment, now } from './time.js';
import { span, t } from './words.js';

/** The message; `open` is called when it is pressed. */
export function bubble(packet, session, open) {
  const isMine = packet.sender === session.user;
  const look = lookOf(packet, session);
  const note = el('span.note', look.text);
  if (look.is === 'scheduled') note.dataset.starts = packet.starts_at_ms;
  return el(
    `li.message${isMine ? '.mine' : ''}`,
    { 'data-packet': packet.packet_id },
    face(packet.sender),
    el(
      'div',
      el('span.name', !isMine && who(packet.sender), moment(packet.created_at_ms)),
      el(
        `button.packet.cover-${packet.cover ?? 'classic'}.is-${look.is}`,
        { type: 'button', 'data-state': look.is, onclick: open },
        el(
          'span.card',
          el('span.sleeve', { 'aria-hidden': 'true' }),
          el('span.words', el('b', { dir: 'auto' }, packet.greeting ?? t('greetingDefault')), note),
        ),
        el(
          'span.kind',
          el('span', packet.to?.user ? t('exclusive') : t(packet.kind), packet.has_password ? ` · ${t('sealed')}` : ''),
          el('span.count', t('of', { opened: packet.settled, count: packet.count })),
        ),
      ),
    ),
  );
}

/** How a packet looks to me: a state for the eye and a line of words. */
export function lookOf(packet, session) {
  const amount = packet.my_amount_fen ?? session.amountOf(packet.packet_id);
  const forOther = packet.to?.user && packet.to.user !== session.user;
  if (amount !== null) return { is: 'taken', text: t('arrivingHere', { yuan: yuan(amount) }) };
  if (packet.state === 'finished' || (packet.state === 'open' && session.gone.has(packet.packet_id)))
    return { is: 'gone', text: t('soldOut') };
  if (packet.state === 'expired') return { is: 'expired', text: t('expired') };
  if (packet.state === 'scheduled')
    return { is: 'scheduled', text: t('opensIn', { left: span(packet.starts_at_ms - now()) }) };
  if (forOther) return { is: 'open', text: t('forUser', { user: nameOf(packet.to.user) }) };
  return { is: 'open', text: packet.to?.user ? t('forYou') : t('take') };
}
