// The group: its packets as messages, live.

import { poll } from './api.js';
import { bubble, lookOf } from './bubble.js';
import { toast } from './dialog.js';
import { el, keep, put, write } from './dom.js';
import { Feed } from './feed.js';
import { openPacket } from './packet.js';
import { nameOf } from './people.js';
import { sendForm } from './send.js';
import { now } from './time.js';
import { explain, span, t, zoneNote } from './words.js';

const PAGE = 30;
const createdAt = (packet) => packet.created_at_ms;

/** Shows the chat in `main`; answers how to stop it. */
export function chat(main, session, onState) {
  const timeline = el('ol.timeline', { 'aria-label': t('chat') });
  const older = el('button.plain.older', { type: 'button', hidden: true, onclick: () => readOlder() }, t('older'));
  const empty = el('p.empty', { hidden: true }, el('span', { 'aria-hidden': 'true' }, '🧧'), t('emptyChat'));
  const scroll = el('div.scroll', { tabindex: 0, role: 'region', 'aria-label': t('chat') }, older, empty, timeline);
  const group = feed(session, `/v1/groups/${session.group}/packets`);
  const inbox = feed(session, '/v1/me/inbox');
  const feeds = [group, inbox];
  // What I sent from this window shows before the list has it; of exclusive packets no list of mine names the owner.
  const own = new Map();
  const send = () =>
    sendForm(session, new Set(shown().map((packet) => packet.sender)), (packet) => {
      own.set(packet.packet_id, packet);
      draw();
      toEnd();
      live.now();
    });
  put(
    main,
    el(
      'section.chat',
      el('header.bar', el('h1', t('members', { group: session.group.slice(2) })), zoneNote()),
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

  /** All of it, oldest first, down to where nothing is missing in either list. */
  function shown() {
    const all = new Map(own);
    for (const { entries } of feeds) for (const [id, packet] of entries) all.set(id, { ...all.get(id), ...packet });
    const since = Math.max(...feeds.map((one) => one.since(createdAt)));
    const order = (one, other) => one.created_at_ms - other.created_at_ms || (one.packet_id < other.packet_id ? -1 : 1);
    return [...all.values()].filter((packet) => packet.created_at_ms >= since).sort(order);
  }

  /** Draws what is not drawn yet; answers whether there was any. */
  function draw() {
    const focused = timeline.contains(document.activeElement) && document.activeElement.closest('[data-packet]');
    const packets = shown();
    const keyOf = (packet) => {
      const { is, text } = lookOf(packet, session);
      return JSON.stringify([packet.packet_id, is, is === 'scheduled' || text, packet.settled, packet.created_at_ms]);
    };
    const made = keep(timeline, packets, keyOf, (packet) =>
      bubble(packet, session, () => openPacket(session, packet, draw)),
    );
    empty.hidden = packets.length > 0 || !group.isRead;
    older.hidden = feeds.every((one) => one.next === null);
    if (focused && !focused.isConnected)
      timeline.querySelector(`[data-packet="${focused.dataset.packet}"] button`)?.focus();
    return made;
  }

  const toEnd = () => scroll.scrollTo(0, scroll.scrollHeight);

  async function ask() {
    const isFirst = !group.isRead;
    const [news, alone] = await Promise.all([
      group.refresh(),
      // Given up first under load; the group goes on without it.
      inbox.refresh().catch((refusal) => {
        if (refusal.code !== 'degraded') throw refusal;
        return [];
      }),
    ]);
    const wasAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;
    const made = draw();
    const came = [...news, ...alone].filter((packet) => packet.sender !== session.user);
    announce(came);
    const isNew = new Set(came.map((packet) => packet.packet_id));
    for (const node of made) node.classList.toggle('new', isNew.has(node.dataset.packet));
    if (isFirst || (made.length > 0 && wasAtEnd)) toEnd();
    return made.length > 0;
  }

  function announce(came) {
    if (came.length === 1) toast(t('news', { user: nameOf(came[0].sender) }));
    if (came.length > 1) toast(t('manyNews', { n: came.length }));
  }

  async function readOlder() {
    const since = Math.max(...feeds.map((one) => one.since(createdAt)));
    older.disabled = true;
    const due = feeds.filter((one) => one.next !== null && one.since(createdAt) === since);
    await Promise.all(due.map((one) => one.older())).catch((refusal) => toast(explain(refusal)));
    older.disabled = false;
    const height = scroll.scrollHeight;
    draw();
    scroll.scrollTop += scroll.scrollHeight - height;
  }

  const countdown = setInterval(() => {
    for (const note of timeline.querySelectorAll('[data-starts]')) {
      const left = Number(note.dataset.starts) - now();
      if (left > 0) {
        write(note, t('opensIn', { left: span(left) }));
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

function feed(session, path) {
  const isInbox = path.endsWith('inbox');
  const read = async (before) => {
    const page = await session.ask(
      'GET',
      `${path}?limit=${PAGE}${before ? `&before=${encodeURIComponent(before)}` : ''}`,
    );
    const entries = page.packets.map((packet) => (isInbox ? { ...packet, to: { user: session.user } } : packet));
    return { entries, next: page.next };
  };
  return new Feed(read, (packet) => packet.packet_id);
}
