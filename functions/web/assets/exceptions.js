// What no rule could decide: each case with its evidence, and the three things that can be done about it.

import { act } from './act.js';
import { el, put } from './dom.js';
import { entry } from './entries.js';
import { ZONE, facts, isKnown, moment, money, problem } from './values.js';

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
/** The most that one compensation pays. */
const COMPENSATION_MAX_FEN = 1_000_000_000;

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

  let round = 0;

  async function read(before = '') {
    round += 1;
    const mine = round;
    try {
      const page = await ask(
        'GET',
        `/v1/admin/exceptions?state=${state}${before && `&before=${encodeURIComponent(before)}`}`,
      );
      if (mine !== round) return; // Another list was asked for meanwhile.
      const drawn = page.exceptions.map(one);
      if (before) list.append(...drawn);
      else put(list, drawn.length ? drawn : el('p.hint', '没有 None'));
      more.hidden = !page.next;
      more.onclick = () => read(page.next);
    } catch (refusal) {
      if (mine === round) put(list, problem(refusal));
    }
  }

  function one(exception) {
    const { evidence, resolution } = exception;
    const { packet } = evidence;
    // What does not apply is left out: not every entry names a share or a packet.
    const share = ['应得 Share', isKnown(evidence.amount_fen) && money(evidence.amount_fen)];
    const start = (name, title, { danger = false, entries = () => [] } = {}) => {
      const path = `/v1/admin/exceptions/${encodeURIComponent(exception.id)}/${name}`;
      const onclick = () =>
        act({
          title: `${title} · ${exception.id}`,
          danger,
          facts: facts([['用户 User', evidence.user], share, ['红包 Packet', exception.packet_id]]),
          entries: entries(),
          work: (_, values) => ask('POST', path, values),
          done: () => read(),
        });
      return el(`button.plain${danger ? '.danger' : ''}`, { type: 'button', 'data-act': name, onclick }, title);
    };
    const amount = () =>
      entry('amount', '金额 Amount ¥', {
        kind: 'amount',
        field: 'amount_fen',
        most: COMPENSATION_MAX_FEN,
        // Without a share to go by there has to be an amount.
        required: !isKnown(evidence.amount_fen),
        label: '金额（元，不填则为应得）Amount in yuan; empty: the share',
        ...(isKnown(evidence.amount_fen) && { placeholder: money(evidence.amount_fen).slice(1) }),
      });
    return el(
      `article.exception.${exception.state}`,
      { 'data-exception': exception.id },
      el(
        'h3',
        REASONS[exception.reason] ?? exception.reason,
        ' ',
        el('small', `${moment(exception.created_at_ms)} ${ZONE}`),
      ),
      el(
        'dl',
        facts([
          ['编号 Id', el('code', exception.id)],
          ['红包 Packet', exception.packet_id],
          ['用户 User', evidence.user],
          share,
          ['日志 Entry', el('code', evidence.entry)],
          ['红包现状 Packet now', packet && nowOf(packet)],
          ...evidence.conflicts.map((paid) => [
            '已付 Paid already',
            `#${paid.seq} ${paid.user} ${money(paid.amount_fen)} ${moment(paid.opened_at_ms)}`,
          ]),
          ['处理 Resolution', resolution && doneAbout(resolution)],
        ]),
      ),
      exception.state === 'open' &&
        el(
          'div.acts',
          start('retry', '重试 Retry'),
          start('compensate', '补偿 Compensate', { danger: true, entries: () => [amount()] }),
          start('dismiss', '忽略 Dismiss', { danger: true }),
        ),
    );
  }

  const count = (open) => {
    if (open !== known) read();
    known = open;
  };
  return { node, count };
}

const said = (parts) => parts.filter(Boolean).join(' · ');

function nowOf(packet) {
  return said([
    packet.sender,
    `${money(packet.total_fen)} / ${packet.count}`,
    `已入账 settled ${packet.settled}`,
    `托管 escrow ${money(packet.escrow_fen)}`,
    isKnown(packet.frozen_at_ms) && '冻结 FROZEN',
    isKnown(packet.refunded_fen) && `已退 refunded ${money(packet.refunded_fen)}`,
  ]);
}

function doneAbout({ act: name, amount_fen: fen, operator, reason, at_ms: at, audit_number: number }) {
  const paid = isKnown(fen) ? `${name} ${money(fen)}` : name;
  return said([paid, `${operator}: ${reason}`, moment(at), `审计 audit #${number}`]);
}
