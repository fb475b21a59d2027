// What no rule could decide: each case with its evidence, and the three things that can be done about it.

import { act, amountInput, facts, moment } from './act.js';
import { el, put } from './dom.js';
import { fenOf, yuan } from './money.js';

const REASONS = {
  share_claimed_twice: '同一份被领两次 a share claimed twice',
  user_claimed_twice: '同一人领了两份 a user claimed twice',
  unknown_packet: '红包不存在 unknown packet',
  escrow_empty: '余额不足 escrow empty',
  poison: '无法读取 unreadable',
  drift: '账目不符 books do not match',
  voucher_contested: '凭证有争议 contested voucher',
  closed_twice: '重复关闭 closed twice',
  opens_lost: '拆开记录丢失 opens lost with the journal',
};
const money = (fen) => (fen === null || fen === undefined ? '' : `¥${yuan(fen)}`);

/** The panel; `count` tells it how many there are, so that it reads the list anew when that changes. */
export function exceptions(ask) {
  const list = el('div', { 'aria-live': 'polite' });
  const more = el('button.plain', { type: 'button', hidden: true }, '更多 More');
  let [state, known] = ['open', null];
  const tabs = [
    ['open', '待处理 Open'],
    ['resolved', '已处理 Resolved'],
  ].map(([value, text]) =>
    el(
      'button.plain',
      {
        type: 'button',
        'data-state': value,
        'aria-pressed': value === state,
        onclick: () => {
          state = value;
          tabs.forEach((tab) => tab.setAttribute('aria-pressed', tab.dataset.state === state));
          read();
        },
      },
      text,
    ),
  );
  const node = el(
    'section.panel.full',
    { id: 'exceptions' },
    el('h2', '异常 Exceptions', el('span.acts', tabs)),
    list,
    more,
  );

  async function read(before = '') {
    try {
      const page = await ask(
        'GET',
        `/v1/admin/exceptions?state=${state}${before && `&before=${encodeURIComponent(before)}`}`,
      );
      const drawn = page.exceptions.map(one);
      if (before) list.append(...drawn);
      else put(list, drawn.length ? drawn : el('p.hint', '没有 None'));
      more.hidden = !page.next;
      more.onclick = () => read(page.next);
    } catch (refusal) {
      put(list, el('p.problem', `${refusal.code}: ${refusal.message}`));
    }
  }

  function one(exception) {
    const { evidence, resolution } = exception;
    const { packet } = evidence;
    const start = (name, title, danger, extra = {}) =>
      el(
        `button.plain${danger ? '.danger' : ''}`,
        {
          type: 'button',
          'data-act': name,
          onclick: () =>
            act({
              title: `${title} · ${exception.id}`,
              danger,
              facts: facts([
                ['用户 User', evidence.user],
                ['应得 Share', money(evidence.amount_fen)],
                ['红包 Packet', exception.packet_id],
              ]),
              work: (reason) =>
                ask('POST', `/v1/admin/exceptions/${encodeURIComponent(exception.id)}/${name}`, {
                  reason,
                  ...extra.body?.(),
                }),
              fields: extra.fields?.() ?? [],
              done: () => read(),
            }),
        },
        title,
      );
    let amount;
    const compensation = {
      fields: () => {
        amount = amountInput('amount', '金额 Amount ¥', {
          placeholder: evidence.amount_fen ? yuan(evidence.amount_fen) : '0.00',
        });
        return [
          el('div', el('label', { for: 'amount' }, '金额（元，不填则为应得）Amount in yuan; empty: the share'), amount),
        ];
      },
      body: () => (amount.value.trim() ? { amount_fen: fenOf(amount.value) ?? -1 } : {}),
    };
    return el(
      `article.exception.${exception.state}`,
      { 'data-exception': exception.id },
      el('h3', REASONS[exception.reason] ?? exception.reason, ' ', el('small', moment(exception.created_at_ms))),
      el(
        'dl',
        facts([
          ['编号 Id', el('code', exception.id)],
          ['红包 Packet', exception.packet_id],
          ['用户 User', evidence.user],
          ['应得 Share', money(evidence.amount_fen)],
          ['日志 Entry', el('code', evidence.entry)],
          [
            '红包现状 Packet now',
            packet &&
              `${packet.sender} · ${money(packet.total_fen)} / ${packet.count} · 已入账 settled ${packet.settled} · 托管 escrow ${money(packet.escrow_fen)}${packet.frozen_at_ms ? ' · 冻结 FROZEN' : ''}${packet.refunded_fen !== null ? ` · 已退 refunded ${money(packet.refunded_fen)}` : ''}`,
          ],
          ...evidence.conflicts.map((paid) => [
            '已付 Paid already',
            `#${paid.seq} ${paid.user} ${money(paid.amount_fen)} ${moment(paid.opened_at_ms)}`,
          ]),
          [
            '处理 Resolution',
            resolution &&
              `${resolution.act} ${money(resolution.amount_fen)} · ${resolution.operator}: ${resolution.reason} · ${moment(resolution.at_ms)} · 审计 audit #${resolution.audit_number}`,
          ],
        ]),
      ),
      exception.state === 'open' &&
        el(
          'div.acts',
          start('retry', '重试 Retry', false),
          start('compensate', '补偿 Compensate', true, compensation),
          start('dismiss', '忽略 Dismiss', true),
        ),
    );
  }

  const count = (open) => {
    if (open !== known) read();
    known = open;
  };
  return { node, count };
}
