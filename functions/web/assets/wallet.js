// My wallet: what is settled, what is arriving, and every posting.

import { poll } from './api.js';
import { toast } from './dialog.js';
import { el, keep, put, write } from './dom.js';
import { Feed } from './feed.js';
import { yuan } from './money.js';
import { nameOf } from './people.js';
import { moment } from './time.js';
import { explain, t, zoneNote } from './words.js';

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
  const balance = el('span', '…');
  const settled = el('p.balance', { role: 'status' }, balance, el('small.label', t('settledHint')));
  const arriving = el('p.arriving', { role: 'status' });
  const list = el('ol.postings');
  const more = el('button.plain.more', { type: 'button', hidden: true, onclick: () => readMore() }, t('nextPage'));
  const none = el('p.empty', { hidden: true }, t('noPostings'));
  put(
    main,
    el(
      'section.wallet',
      el('header.purse', el('h1', t('wallet')), settled, arriving),
      el('div.bar', el('h2', t('statement')), zoneNote()),
      none,
      list,
      more,
    ),
  );
  const feed = new Feed(
    async (before) => {
      const page = await session.ask(
        'GET',
        `/v1/me/statement?limit=${PAGE}${before === null ? '' : `&before=${before}`}`,
      );
      return { entries: page.postings, next: page.next };
    },
    (posting) => posting.id,
  );

  async function ask() {
    const [me, news] = await Promise.all([session.ask('GET', '/v1/me'), feed.refresh()]);
    const wasKnown = balance.dataset.fen === String(me.balance_fen) && list.children.length > 0;
    if (!wasKnown) {
      balance.dataset.fen = me.balance_fen;
      put(balance, el('small', '¥'), yuan(me.balance_fen));
    }
    const coming = session.arriving(me);
    const sum = (coming ?? []).reduce((all, one) => all + one.amountFen, 0);
    if (coming === null) write(arriving, t('missing'));
    else write(arriving, sum > 0 ? `+ ¥${yuan(sum)} · ${t('arrivingHint', { n: coming.length })}` : t('noneArriving'));
    draw();
    return news.length > 0 || sum > 0;
  }

  function draw() {
    const postings = [...feed.entries.values()];
    keep(list, postings, (posting) => posting.id, row);
    none.hidden = postings.length > 0;
    more.hidden = feed.next === null;
  }

  function row(posting) {
    const [icon, word] = KINDS[posting.id.split(':')[0]] ?? ['•', 'other'];
    const isIn = posting.change_fen > 0;
    const other = posting.counterparty.startsWith('wallet:') ? nameOf(posting.counterparty.slice(7)) : '';
    return el(
      'li',
      el('span.icon', { 'aria-hidden': 'true' }, icon),
      el('span.name', t(word), other && ` · ${other}`, moment(posting.at_ms)),
      el(`span.sum${isIn ? '.in' : ''}`, `${isIn ? '+' : '−'}¥${yuan(Math.abs(posting.change_fen))}`),
    );
  }

  async function readMore() {
    more.disabled = true;
    await feed.older().catch((refusal) => toast(explain(refusal)));
    more.disabled = false;
    draw();
  }

  return poll(ask, { onState }).stop;
}
