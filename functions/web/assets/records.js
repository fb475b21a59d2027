// What is on record: the audit of operators' acts and what risk rules saw, newest first.

import { el, put } from './dom.js';
import { yuan } from './money.js';
import { row as rowOf, table } from './table.js';
import { ZONE, isKnown, known, moment, told as refusalOf } from './values.js';

/** The panels. */
export const records = (ask) => [
  record(ask, {
    id: 'risk',
    title: '风控 Risk events',
    path: '/v1/admin/risk-events',
    list: 'events',
    heads: ['#', `时间 At (${ZONE})`, '规则 Rule', '用户 User', '处置 Action', '详情 Detail'],
    row: (event) => [
      event.number,
      known(event.at_ms, moment),
      event.rule,
      event.user,
      event.action,
      [event.detail, event.packet_id].filter(Boolean).join(' '),
    ],
  }),
  record(ask, {
    id: 'audit',
    title: '审计 Audit',
    path: '/v1/admin/audit',
    list: 'acts',
    heads: ['#', `时间 At (${ZONE})`, '操作人 By', '操作 Act', '对象 On', '金额 ¥', '原因 Why'],
    row: (act) => [
      act.number,
      known(act.at_ms, moment),
      act.operator,
      act.act,
      `${act.subject}${restOf(act)}`,
      isKnown(act.amount_fen) && yuan(act.amount_fen), // Not every act moves money, or asks for a reason.
      act.reason,
    ],
  }),
];

/** The rest of an act: on or off, the value, the recipient. An act of a kind that is new here shows its detail as it is. */
function restOf({ act, detail }) {
  let facts;
  try {
    facts = JSON.parse(detail);
  } catch {
    return detail ? ` ${detail}` : '';
  }
  const words = {
    switch: ({ is_on: isOn }) => isOn !== undefined && (isOn ? '开 on' : '关 off'),
    set: ({ value }) => value,
    deposit: ({ user }) => user,
    compensate: ({ user }) => user,
  };
  if (facts === null || Object.keys(facts).length === 0) return '';
  const rest = (words[act] ?? JSON.stringify)(facts);
  return rest ? ` → ${rest}` : '';
}

function record(ask, { id, title, path, list, heads, row }) {
  const all = table(heads, []);
  const body = all.querySelector('tbody');
  const problem = el('p.problem', { role: 'alert' });
  const none = el('p.hint', { hidden: true }, '没有 None');
  const more = el('button.plain', { type: 'button', hidden: true }, '更多 More');
  let round = 0;
  const read = async (before) => {
    round += 1;
    const mine = round;
    try {
      const page = await ask('GET', `${path}?limit=10${before ? `&before=${before}` : ''}`);
      if (mine !== round) return; // It was read anew meanwhile: what is older does not follow on that.
      const rows = page[list].map((one) => rowOf(heads, row(one)));
      if (before) body.append(...rows);
      else put(body, rows);
      none.hidden = body.children.length > 0;
      more.hidden = !page.next;
      more.onclick = () => read(page.next);
      put(problem);
    } catch (refusal) {
      if (mine === round) put(problem, refusalOf(refusal));
    }
  };
  read();
  const again = el('button.plain', { type: 'button', onclick: () => read() }, '刷新 Refresh');
  return el('section.panel.full', { id }, el('h2', title, again), all, none, problem, more);
}
