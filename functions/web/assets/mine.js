// My packets, received and sent: the year's totals, a chart, the list.

import { persist } from './api.js';
import { toast } from './dialog.js';
import { el, put } from './dom.js';
import { yuan } from './money.js';
import { openPacket } from './packet.js';
import { face, who } from './people.js';
import { bars } from './plot.js';
import { moment, monthOf } from './time.js';
import { explain, t, waiting, zoneNote } from './words.js';

const PAGE = 100;
/** Pages that are read at once, for the chart; the rest on demand. */
const PAGES = 5;
const LISTED = 50;
/** How many years can be looked at. */
const YEARS = 5;

/** Shows my packets in `main`; answers how to stop. */
export function mine(main, session, onState) {
  let [role, isHere, round] = ['received', true, 0];
  const body = el('div.body', { 'aria-live': 'polite' });
  const tabs = ['received', 'sent'].map((name) =>
    el(
      'button',
      { type: 'button', 'aria-pressed': name === role, onclick: () => choose(name) },
      t(name === 'sent' ? 'sentTab' : name),
    ),
  );
  // Which year it is the application says: a phone's clock may be years off.
  const year = el('select', { 'aria-label': t('year'), onchange: () => show() });
  put(
    main,
    el(
      'section.mine-view',
      el('header.bar', el('h1', t('mine')), year, zoneNote(' · ', t('booksZone'))),
      el('div.tabs', { role: 'group', 'aria-label': t('mine') }, tabs),
      body,
    ),
  );

  function choose(name) {
    role = name;
    tabs.forEach((tab, place) => tab.setAttribute('aria-pressed', ['received', 'sent'][place] === name));
    show();
  }

  function offer(thisYear) {
    const years = Array.from({ length: YEARS }, (_, ago) => String(thisYear - ago));
    put(
      year,
      years.map((one) => el('option', { value: one }, one)),
    );
  }

  async function show() {
    round += 1;
    let of = year.value && `&year=${year.value}`;
    const [asked, mineRound] = [role, round];
    const isStill = () => isHere && mineRound === round;
    put(body, el('p.empty', t('loading')));
    const read = (before) => session.ask('GET', `/v1/me/packets?role=${asked}${of}&limit=${PAGE}${before}`);
    const onWait = (refusal, ms) => {
      if (!isStill()) return false;
      onState({ ok: false, refusal, ms });
      put(body, el('p.empty', { role: 'status' }, waiting(refusal, ms)));
      return true;
    };
    try {
      let page = await persist(() => read(''), onWait);
      if (!isStill()) return;
      if (!of) offer(page.year);
      of = `&year=${page.year}`;
      const packets = [...page.packets];
      const more = async () => {
        page = await read(`&before=${encodeURIComponent(page.next)}`);
        packets.push(...page.packets);
      };
      for (let pages = 1; page.next && pages < PAGES && isStill(); pages += 1) await persist(more, onWait);
      if (!isStill()) return;
      onState({ ok: true });
      draw(() => page, packets, asked, more);
    } catch (refusal) {
      if (isStill()) put(body, el('p.problem', { role: 'alert' }, explain(refusal)));
    }
  }

  /** `more` reads one more page into `packets`. */
  function draw(pageOf, packets, asked, more) {
    const page = pageOf();
    const chart = el('figure', { hidden: packets.length === 0 });
    const list = el('ol.rows');
    const button = el('button.plain.more', { type: 'button', onclick: () => readMore() }, t('nextPage'));
    put(body, totals(page, asked), chart, packets.length === 0 && el('p.empty', t('noPackets')), list, button);
    const fill = () => {
      const shown = list.children.length;
      list.append(...packets.slice(shown, shown + LISTED).map((packet) => row(packet, asked)));
      button.hidden = list.children.length === packets.length && !pageOf().next;
      put(chart, months(packets, Boolean(pageOf().next)));
    };
    async function readMore() {
      button.disabled = true;
      try {
        if (list.children.length === packets.length) await more();
        fill();
      } catch (refusal) {
        toast(explain(refusal));
      }
      button.disabled = false;
    }
    fill();
  }

  function row(packet, asked) {
    const isSent = asked === 'sent';
    const name = isSent ? t(packet.kind) : who(packet.sender);
    const state = isSent
      ? t('of', packet) + (packet.refunded_fen ? ` · ${t('back', { yuan: yuan(packet.refunded_fen) })}` : '')
      : t(packet.kind);
    return el(
      'li',
      el(
        'button',
        { type: 'button', onclick: () => openPacket(session, packet, () => {}) },
        face(packet.sender),
        el('span.name', name, el('small', moment(packet.at_ms), ` · ${state}`)),
        el('span.sum', `¥${yuan(packet.amount_fen)}`, packet.best && el('b.best', `👑 ${t('best')}`)),
      ),
    );
  }

  show();
  return () => {
    isHere = false;
  };
}

function totals(page, asked) {
  const isSent = asked === 'sent';
  const back = page.refunded_fen ?? 0;
  return el(
    'div.totals',
    el('p', t(isSent ? 'totalSent' : 'totalReceived', { year: page.year })),
    el('p.balance', { 'data-fen': page.total_fen }, el('small', '¥'), yuan(page.total_fen)),
    el(
      'p',
      t('packets', { n: page.count }),
      !isSent && ` · 👑 ${t('bests', { n: page.best_luck_count })}`,
      isSent && back > 0 && el('span.back', { 'data-fen': back }, ` · ${t('ofWhich', { yuan: yuan(back) })}`),
    ),
  );
}

/** By month, of the packets that were read; `isPart` says that there are more. */
function months(packets, isPart) {
  const sums = new Array(12).fill(0);
  for (const packet of packets) sums[monthOf(packet.at_ms)[1] - 1] += packet.amount_fen;
  const entries = sums.map((value, month) => ({ name: String(month + 1), value, title: `¥${yuan(value)}` }));
  const caption = isPart ? t('chartOf', { n: packets.length }) : t('chart');
  return [el('figcaption', caption), bars(entries, caption)];
}
