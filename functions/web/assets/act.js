// Everything an operator does takes two steps and a reason: first what and why, then a look at it and "yes".

import { dialog, toast } from './dialog.js';
import { el, put } from './dom.js';
import { fenOf, yuan } from './money.js';

/** A field for an amount in yuan. */
export const amountInput = (id, name, properties) =>
  el('input', { id, inputmode: 'decimal', autocomplete: 'off', 'data-name': name, 'data-is': 'amount', ...properties });

/** What an input says: what is reviewed is what will be done. `null` for an amount that is none. */
function readingOf(input) {
  if (input.dataset.is !== 'amount') return input.value;
  const fen = fenOf(input.value);
  return fen === null ? null : `¥${yuan(fen)}`;
}

/** Asks for a reason and more `fields` (elements with an id), shows `facts`, and after a second press does `work`. */
export function act({ title, facts, fields = [], danger = true, isReasonNeeded = true, work, done }) {
  const reason = el('textarea', { id: 'reason', rows: 2, required: isReasonNeeded, maxlength: 500 });
  const problem = el('p.problem', { role: 'alert' });
  const go = el(`button.primary${danger ? '.danger' : ''}`, '下一步 Review');
  const back = el('button.plain', { type: 'button', hidden: true, onclick: () => step(false) }, '返回修改 Back');
  const confirming = el('div.confirming', { hidden: true, role: 'status' });
  const inputs = el(
    'div',
    fields,
    el('label', { for: 'reason' }, `原因 Reason${isReasonNeeded ? '' : ' (可不填 optional)'}`),
    reason,
  );
  let isReviewed = false;

  function step(reviewed) {
    isReviewed = reviewed;
    inputs.hidden = reviewed;
    confirming.hidden = !reviewed;
    back.hidden = !reviewed;
    put(go, reviewed ? `确认执行 Confirm: ${title}` : '下一步 Review');
    put(problem);
    if (!reviewed) return;
    const typed = inputsOf(fields).filter((input) => input.value);
    put(
      confirming,
      el('p', '将要执行，不能撤销 This will be done and is on record for ever:'),
      el(
        'dl.facts',
        el('dt', '操作 Act'),
        el('dd', title),
        typed.flatMap((input) => [el('dt', input.dataset.name), el('dd', readingOf(input))]),
        reason.value && [el('dt', '原因 Reason'), el('dd', reason.value)],
      ),
    );
    go.focus();
  }

  const form = el(
    'form.act',
    {
      novalidate: true, // What is missing is said in the dialog, in both languages.
      onsubmit: async (event) => {
        event.preventDefault();
        if (isReasonNeeded && !reason.value.trim()) {
          put(problem, '请写明原因 A reason is required');
          reason.focus();
          return;
        }
        const wrong = inputsOf(fields).find((input) => (input.value ? readingOf(input) === null : input.required));
        if (wrong) {
          const wanted = wrong.value ? '请填金额，例如 8.88 Enter an amount such as 8.88' : '必填 Required';
          put(problem, `${wrong.dataset.name}: ${wanted}`);
          wrong.focus();
          return;
        }
        if (!isReviewed) {
          step(true);
          return;
        }
        go.disabled = true;
        try {
          const answer = await work(reason.value.trim());
          node.close();
          toast(`✓ ${title}`);
          done?.(answer);
        } catch (refusal) {
          go.disabled = false;
          step(false);
          put(problem, `${refusal.code}: ${refusal.message}`);
        }
      },
    },
    el('h3', title),
    facts && el('dl.facts', facts),
    inputs,
    confirming,
    problem,
    el('div.row', back, go),
  );
  const node = dialog('act-dialog', title, '关闭 Close', form, { isPatient: true });
  (inputs.querySelector('input') ?? reason).focus();
}

const inputsOf = (fields) => fields.flatMap((field) => [...field.querySelectorAll('input')]);

/** Pairs for a `dl`, without those that say nothing. */
export const facts = (pairs) =>
  pairs
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .flatMap(([name, value]) => [el('dt', name), el('dd', value)]);

/** `2026-01-01 00:05:00` in China's time. */
export const moment = (ms) =>
  ms === null || ms === undefined ? '' : new Date(ms).toLocaleString('sv', { timeZone: 'Asia/Shanghai' });
