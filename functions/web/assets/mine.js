// My packets, received and sent: the year's totals, a chart, the list.

import { persist } from './api.js';
import { el, put } from './dom.js';
import { yuan } from './money.js';
import { openPacket } from './packet.js';
import { face, nameOf } from './people.js';
import { bars } from './plot.js';
import { clock, explain, t } from './words.js';

const PAGE = 100;
const PAGES_MAX = 10;
const LISTED = 50;

/** Shows my packets in `main`; answers how to stop. */
export function mine(main, session) {
  let [role, isHere] = ['received', true];
  const thisYear = Number(new Date().toLocaleDateString('sv', { timeZone: 'Asia/Shanghai' }).slice(0, 4));
  const body = el('div.body', { 'aria-live': 'polite' });
  const tabs = ['received', 'sent'].map((name) =>
    el(
      'button',
      { type: 'button', 'aria-pressed': name === role, onclick: () => choose(name) },
      t(name === 'sent' ? 'sentTab' : name),
    ),
  );
  const year = el(
    'select',
    { 'aria-label': t('year'), onchange: () => show() },
    Array.from({ length: 5 }, (_, ago) => el('option', { value: thisYear - ago }, String(thisYear - ago))),
  );
  put(
    main,
    el(
      'section.mine-view',
      el('header.bar', el('h1', t('mine')), year),
      el('div.tabs', { role: 'group', 'aria-label': t('mine') }, tabs),
      body,
    ),
  );

  function choose(name) {
    role = name;
    tabs.forEach((tab, place) => tab.setAttribute('aria-pressed', ['received', 'sent'][place] === name));
    show();
  }

  async function show() {
    const [asked, of] = [role, year.value];
    const isStill = () => isHere && asked === role && of === year.value;
    const read = (before) =>
      persist(() => session.ask('GET', `/v1/me/packets?role=${asked}&year=${of}&limit=${PAGE}${before}`), isStill);
    try {
      let page = await read('');
      const packets = [...page.packets];
      for (let pages = 1; page.next && pages < PAGES_MAX && isStill(); pages += 1) {
        page = await read(`&before=${encodeURIComponent(page.next)}`);
        packets.push(...page.packets);
      }
      if (isStill()) draw(page, packets, asked);
    } catch (refusal) {
      if (isStill()) put(body, el('p.problem', { role: 'alert' }, explain(refusal)));
    }
  }

  function draw(page, packets, asked) {
    const months = new Array(12).fill(0);
    for (const packet of packets)
      months[Number(new Date(packet.at_ms).toLocaleDateString('sv', { timeZone: 'Asia/Shanghai' }).slice(5, 7)) - 1] +=
        packet.amount_fen;
    const entries = months.map((value, month) => ({ name: String(month + 1), value, title: `¥${yuan(value)}` }));
    put(
      body,
      el(
        'div.totals',
        el('p', t(asked === 'sent' ? 'totalSent' : 'totalReceived', { year: page.year })),
        el('p.balance', { 'data-fen': page.total_fen }, el('small', '¥'), yuan(page.total_fen)),
        el(
          'p',
          t('packets', { n: page.count }),
          asked === 'received' && ` · 👑 ${t('bests', { n: page.best_luck_count })}`,
        ),
      ),
      packets.length > 0 && el('figure', el('figcaption', t('chart')), bars(entries, t('chart'))),
      packets.length === 0 && el('p.empty', t('noPackets')),
      el(
        'ol.rows',
        packets.slice(0, LISTED).map((packet) => row(packet, asked)),
      ),
    );
  }

  function row(packet, asked) {
    const isSent = asked === 'sent';
    const name = isSent ? t(packet.kind) : nameOf(packet.sender);
    const state = isSent
      ? t('of', packet) + (packet.refunded_fen ? ` · ${t('back', { yuan: yuan(packet.refunded_fen) })}` : '')
      : t(packet.kind);
    return el(
      'li',
      el(
        'button',
        { type: 'button', onclick: () => openPacket(session, packet, () => {}) },
        face(packet.sender),
        el('span.name', name, el('time', `${clock(packet.at_ms)} · ${state}`)),
        el('span.sum', `¥${yuan(packet.amount_fen)}`, packet.best && el('b.best', `👑 ${t('best')}`)),
      ),
    );
  }

  show();
  return () => {
    isHere = false;
  };
}
