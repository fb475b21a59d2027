// Everything an operator does takes two steps and a reason: first what and why, then a look at it and "yes".

import { dialog, toast } from './dialog.js';
import { el, put } from './dom.js';
import { entry } from './entries.js';
import { told } from './values.js';

const REASON_MAX = 500;

/**
 * Asks for `entries` and a reason, shows `facts`, and after a second press does `work(reason, values)`, with the
 * entries' values by the application's names for them.
 */
export function act({ title, facts, entries = [], danger = true, isReasonNeeded = true, work, done }) {
  const reason = entry('reason', '原因 Reason', {
    kind: 'line',
    most: REASON_MAX,
    label: `原因 Reason${isReasonNeeded ? '' : ' (可不填 optional)'}`,
    required: isReasonNeeded,
    tag: 'textarea',
    rows: 2,
  });
  const all = [...entries, reason];
  const problem = el('p.problem', { role: 'alert' });
  const go = el(`button.primary${danger ? '.danger' : ''}`, '下一步 Review');
  const back = el('button.plain', { type: 'button', hidden: true, onclick: () => step(null) }, '返回修改 Back');
  const confirming = el('div.confirming', { hidden: true, role: 'status' });
  const inputs = el(
    'div',
    all.map((one) => one.node),
  );
  // What was reviewed is what is done.
  let reviewed = null;

  function step(readings) {
    reviewed = readings;
    inputs.hidden = Boolean(readings);
    confirming.hidden = !readings;
    back.hidden = !readings;
    put(go, readings ? `确认执行 Confirm: ${title}` : '下一步 Review');
    put(problem);
    if (!readings) return;
    const pairs = readings.filter(({ shown }) => shown !== undefined);
    put(
      confirming,
      el('p', '将要执行，不能撤销 This will be done and is on record for ever:'),
      el(
        'dl.facts',
        el('dt', '操作 Act'),
        el('dd', title),
        pairs.flatMap(({ name, shown }) => [el('dt', name), el('dd', shown)]),
      ),
    );
    go.focus();
  }

  /** What all fields say; nothing when one is wrong, which is then said beside it. */
  function readAll() {
    const readings = all.map((one) => ({ name: one.name, field: one.field, ...one.read() }));
    readings.forEach(({ wrong }, place) => all[place].say(wrong));
    const wrong = readings.findIndex((one) => one.wrong);
    if (wrong >= 0) all[wrong].focus();
    return wrong >= 0 ? null : readings;
  }

  async function submit(event) {
    event.preventDefault();
    if (go.disabled) return;
    if (!reviewed) {
      step(readAll());
      return;
    }
    const values = Object.fromEntries(reviewed.map(({ field, value }) => [field, value]));
    go.disabled = true;
    try {
      const answer = await work(values.reason, values);
      node.close();
      toast(`✓ ${title}`);
      done?.(answer);
    } catch (refusal) {
      go.disabled = false;
      step(null);
      const beside = all.find((one) => one.field === refusal.field);
      if (beside) beside.say(told(refusal));
      else put(problem, told(refusal));
      beside?.focus();
    }
  }

  const form = el(
    'form.act',
    { novalidate: true, onsubmit: submit }, // What is missing is said in the dialog, in both languages.
    el('h3', title),
    facts && el('dl.facts', facts),
    inputs,
    confirming,
    problem,
    el('div.row', back, go),
  );
  const node = dialog('act-dialog', title, '关闭 Close', form, { isPatient: true });
  all[0].focus();
}
