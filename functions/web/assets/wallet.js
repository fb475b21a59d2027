// My wallet: what is settled, what is arriving, and every posting.

import { persist, poll } from './api.js';
import { el, put } from './dom.js';
import { yuan } from './money.js';
import { nameOf } from './people.js';
import { clock, t } from './words.js';

const PAGE = 20;
const KINDS = {
  deposit: ['💰', 'deposit'],
  fund: ['🧧', 'fund'],
  open: ['✨', 'share'],
  refund: ['↩️', 'refund'],
  compensate: ['🛟', 'compensation'],
};

/** Shows the wallet in `main`; answers how to stop it. */
export function wallet(main, session, onState) {
  const settled = el('p.balance', { role: 'status' });
  const arriving = el('p.arriving');
  const list = el('ol.postings');
  const more = el('button.plain', { type: 'button', hidden: true }, t('nextPage'));
  const none = el('p.empty', { hidden: true }, t('noPostings'));
  put(
    main,
    el(
      'section.wallet',
      el('header.purse', el('h1', t('wallet')), settled, arriving),
      el('h2', t('statement')),
      none,
      list,
      more,
    ),
  );
  const known = new Set();
  let last = '';

  async function ask() {
    const [me, page] = await Promise.all([
      session.ask('GET', '/v1/me'),
      session.ask('GET', `/v1/me/statement?limit=${PAGE}`),
    ]);
    const coming = session.arriving(me);
    const sum = coming.reduce((all, one) => all + one.amountFen, 0);
    const mark = JSON.stringify([me.balance_fen, sum, page.postings[0]?.id]);
    if (mark === last) return false;
    last = mark;
    put(
      settled,
      el('span', { 'data-fen': me.balance_fen }, el('small', '¥'), yuan(me.balance_fen)),
      el('small.label', t('settledHint')),
    );
    put(arriving, sum > 0 ? `+ ¥${yuan(sum)} · ${t('arrivingHint', { n: coming.length })}` : t('noneArriving'));
    const fresh = page.postings.filter((posting) => !known.has(posting.id));
    if (known.size === 0) setMore(page.next);
    list.prepend(...fresh.map(row));
    none.hidden = known.size > 0;
    return true;
  }

  function row(posting) {
    known.add(posting.id);
    const [icon, word] = KINDS[posting.id.split(':')[0]] ?? ['•', 'other'];
    const isIn = posting.change_fen > 0;
    const other = posting.counterparty.startsWith('wallet:') ? nameOf(posting.counterparty.slice(7)) : '';
    return el(
      'li',
      el('span.icon', { 'aria-hidden': 'true' }, icon),
      el('span.name', t(word), other && ` · ${other}`, el('time', clock(posting.at_ms))),
      el(`span.sum${isIn ? '.in' : ''}`, `${isIn ? '+' : '−'}¥${yuan(Math.abs(posting.change_fen))}`),
    );
  }

  function setMore(next) {
    more.hidden = next === null || next === undefined;
    more.onclick = async () => {
      more.disabled = true;
      const page = await persist(
        () => session.ask('GET', `/v1/me/statement?limit=${PAGE}&before=${next}`),
        () => main.contains(more),
      ).catch(() => null);
      more.disabled = false;
      if (!page) return;
      list.append(...page.postings.filter((posting) => !known.has(posting.id)).map(row));
      setMore(page.next);
    };
  }

  return poll(ask, { onState }).stop;
}
