// What is on record: the audit of operators' acts and what risk rules saw, newest first.

import { el, put } from './dom.js';
import { moment } from './act.js';
import { yuan } from './money.js';

/** The panels. */
export const records = (ask) => [
  record(ask, {
    id: 'risk',
    title: '风控 Risk events',
    path: '/v1/admin/risk-events',
    list: 'events',
    heads: ['#', '时间 At', '规则 Rule', '用户 User', '处置 Action', '详情 Detail'],
    row: (event) => [
      event.number,
      moment(event.at_ms),
      event.rule,
      event.user,
      event.action,
      `${event.detail} ${event.packet_id ?? ''}`,
    ],
  }),
  record(ask, {
    id: 'audit',
    title: '审计 Audit',
    path: '/v1/admin/audit',
    list: 'acts',
    heads: ['#', '时间 At', '操作人 By', '操作 Act', '对象 On', '金额 ¥', '原因 Why'],
    row: (act) => [
      act.number,
      moment(act.at_ms),
      act.operator,
      act.act,
      `${act.subject}${told(act)}`,
      act.amount_fen === null ? '' : yuan(act.amount_fen),
      act.reason,
    ],
  }),
];

/** The rest of an act: on or off, the value, the recipient. An act of a kind that is new here shows its detail as it is. */
function told({ act, detail }) {
  let facts;
  try {
    facts = JSON.parse(detail);
  } catch {
    return detail ? ` ${detail}` : '';
  }
  const words = {
    switch: () => (facts.is_on ? '开 on' : '关 off'),
    set: () => facts.value,
    deposit: () => facts.user,
    compensate: () => facts.user,
  };
  const rest = words[act] ? words[act]() : Object.keys(facts ?? {}).length > 0 && JSON.stringify(facts);
  return rest ? ` → ${rest}` : '';
}

function record(ask, { id, title, path, list, heads, row }) {
  const body = el('tbody');
  const problem = el('p.problem', { role: 'alert' });
  const none = el('p.hint', { hidden: true }, '没有 None');
  const more = el('button.plain', { type: 'button', hidden: true }, '更多 More');
  const read = async (before) => {
    try {
      const page = await ask('GET', `${path}?limit=10${before ? `&before=${before}` : ''}`);
      const rows = page[list].map((one) =>
        el(
          'tr',
          row(one).map((cell) => el('td', String(cell ?? ''))),
        ),
      );
      if (before) body.append(...rows);
      else put(body, rows);
      none.hidden = body.children.length > 0;
      more.hidden = !page.next;
      more.onclick = () => read(page.next);
      put(problem);
    } catch (refusal) {
      put(problem, `${refusal.code}: ${refusal.message}`);
    }
  };
  read();
  return el(
    'section.panel.full',
    { id },
    el('h2', title, el('button.plain', { type: 'button', onclick: () => read() }, '刷新 Refresh')),
    el(
      'div.wide',
      el(
        'table',
        el(
          'thead',
          el(
            'tr',
            heads.map((head) => el('th', head)),
          ),
        ),
        body,
      ),
    ),
    none,
    problem,
    more,
  );
}
