// The group: its packets as messages, live.

import { el, put, toast } from './dom.js';
import { yuan } from './money.js';
import { poll } from './api.js';
import { face, nameOf } from './people.js';
import { openPacket } from './packet.js';
import { sendForm } from './send.js';
import { clock, span, t } from './words.js';

const PAGE = 30;

/** Shows the chat in `main`; answers how to stop it. */
export function chat(main, session, onState) {
  const shown = new Map();
  const timeline = el('ol.timeline', { 'aria-label': t('chat') });
  const older = el('button.plain.older', { type: 'button', hidden: true, onclick: () => readOlder() }, t('older'));
  const empty = el('p.empty', { hidden: true }, el('span', { 'aria-hidden': 'true' }, '🧧'), t('emptyChat'));
  const scroll = el('div.scroll', { tabindex: 0, role: 'region', 'aria-label': t('chat') }, older, empty, timeline);
  const send = () =>
    sendForm(session, [...people()], (packet) => {
      remember(packet);
      live.now();
    });
  put(
    main,
    el(
      'section.chat',
      el('header.bar', el('h1', t('members', { group: session.group.slice(2) }))),
      scroll,
      el(
        'footer',
        el(
          'button.primary.big',
          { type: 'button', onclick: send },
          el('span', { 'aria-hidden': 'true' }, '🧧 '),
          t('send'),
        ),
      ),
    ),
  );

  const people = () => new Set([...shown.values()].map(({ packet }) => packet.sender));
  let [isFirst, before] = [true, null];
  const own = []; // Exclusive packets I sent from this window: no list of mine names their owner.

  /** A packet that I just sent shows before the list has it. */
  function remember(packet) {
    if (packet.to?.user) own.push(packet);
    draw([packet]);
    toEnd();
  }

  function draw(packets) {
    let isNew = false;
    for (const packet of packets) {
      const old = shown.get(packet.packet_id);
      const mark = JSON.stringify([
        packet.state,
        packet.settled,
        packet.my_amount_fen,
        session.amountOf(packet.packet_id),
        session.gone.has(packet.packet_id),
      ]);
      if (old?.mark === mark) continue;
      isNew = true;
      const node = message({ ...old?.packet, ...packet });
      if (!old && !isFirst) node.classList.add('new');
      const hadFocus = old?.node.contains(document.activeElement);
      if (old) old.node.replaceWith(node);
      else insert(node, packet);
      if (hadFocus) node.querySelector('button').focus();
      shown.set(packet.packet_id, { packet: { ...old?.packet, ...packet }, node, mark });
      if (!old && !isFirst && packet.sender !== session.user) toast(t('news', { user: nameOf(packet.sender) }));
    }
    empty.hidden = shown.size > 0;
    return isNew;
  }

  function insert(node, packet) {
    const place = [...timeline.children].find(
      (other) =>
        Number(other.dataset.at) > packet.created_at_ms ||
        (Number(other.dataset.at) === packet.created_at_ms && other.dataset.packet > packet.packet_id),
    );
    timeline.insertBefore(node, place ?? null);
  }

  function message(packet) {
    const isMine = packet.sender === session.user;
    const look = lookOf(packet, session);
    const note = el('span.note', look.text);
    if (packet.state === 'scheduled') note.dataset.starts = packet.starts_at_ms;
    const open = () => openPacket(session, packet, () => draw([packet]));
    return el(
      `li.message${isMine ? '.mine' : ''}`,
      { 'data-packet': packet.packet_id, 'data-at': packet.created_at_ms },
      face(packet.sender),
      el(
        'div',
        el('span.name', isMine ? '' : nameOf(packet.sender), el('time', ` ${clock(packet.created_at_ms)}`)),
        el(
          `button.packet.cover-${packet.cover ?? 'classic'}.is-${look.is}`,
          { type: 'button', 'data-state': look.is, onclick: open },
          el(
            'span.card',
            el('span.sleeve', { 'aria-hidden': 'true' }),
            el('span.words', el('b', packet.greeting ?? t('greetingDefault')), note),
          ),
          el(
            'span.kind',
            kindOf(packet),
            packet.has_password ? ` · ${t('sealed')}` : '',
            el('span.count', t('of', { opened: packet.settled, count: packet.count })),
          ),
        ),
      ),
    );
  }

  const toEnd = () => scroll.scrollTo(0, scroll.scrollHeight);

  async function ask() {
    const [group, inbox] = await Promise.all([
      session.ask('GET', `/v1/groups/${session.group}/packets?limit=${PAGE}`),
      // Given up first under load; the group goes on without it.
      session.ask('GET', '/v1/me/inbox?limit=10').catch((refusal) => {
        if (refusal.code !== 'degraded') throw refusal;
        return { packets: [] };
      }),
    ]);
    const wasAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;
    const since = group.packets.at(-1)?.created_at_ms ?? 0;
    const alone = inbox.packets.filter((packet) => !group.next || packet.created_at_ms >= since);
    const isNew = draw([
      ...group.packets,
      ...alone.map((packet) => ({ ...packet, to: { user: session.user } })),
      ...own,
    ]);
    if (isFirst) {
      before = group.next;
      older.hidden = !before;
    }
    if (isFirst || (isNew && wasAtEnd)) toEnd();
    isFirst = false;
    return isNew;
  }

  async function readOlder() {
    const page = await session
      .ask('GET', `/v1/groups/${session.group}/packets?limit=${PAGE}&before=${before}`)
      .catch(() => null);
    if (!page) return;
    const height = scroll.scrollHeight;
    isFirst = true; // Old ones are no news.
    draw(page.packets);
    isFirst = false;
    scroll.scrollTop += scroll.scrollHeight - height;
    before = page.next;
    older.hidden = !before;
  }

  const countdown = setInterval(() => {
    for (const note of timeline.querySelectorAll('[data-starts]')) {
      const left = Number(note.dataset.starts) - Date.now();
      if (left > 0) {
        note.textContent = t('opensIn', { left: span(left) });
      } else {
        delete note.dataset.starts;
        live.now();
      }
    }
  }, 500);
  const live = poll(ask, { onState });
  return () => {
    live.stop();
    clearInterval(countdown);
  };
}

export function kindOf(packet) {
  return packet.to?.user ? t('exclusive') : t(packet.kind);
}

/** How a packet looks to me: a state for the eye and a line of words. */
function lookOf(packet, session) {
  const amount = packet.my_amount_fen ?? session.amountOf(packet.packet_id);
  const forOther = packet.to?.user && packet.to.user !== session.user;
  if (amount !== null) return { is: 'taken', text: t('arrivingHere', { yuan: yuan(amount) }) };
  if (packet.state === 'finished' || (packet.state === 'open' && session.gone.has(packet.packet_id)))
    return { is: 'gone', text: t('soldOut') };
  if (packet.state === 'expired') return { is: 'expired', text: t('expired') };
  if (packet.state === 'scheduled')
    return { is: 'scheduled', text: t('opensIn', { left: span(packet.starts_at_ms - Date.now()) }) };
  if (forOther) return { is: 'open', text: t('forUser', { user: nameOf(packet.to.user) }) };
  return { is: 'open', text: packet.to?.user ? t('forYou') : t('take') };
}
