// What an operator types into an act's dialog: how it is read, and what is said beside the field when it is nothing
// that can be done.

import { el, put } from './dom.js';
import { fenOf, plain, wholeOf, yuan } from './money.js';

/** A kind of entry: `read` answers a value or nothing, `show` says it in the review, `wanted` is the bound. */
const KINDS = {
  text: () => ({ read: (typed) => typed, show: String, wanted: '必填 Required' }),
  /** A line of `1` to `most` characters, as people count them; line breaks are blanks. */
  line: ({ most }) => ({
    read: (typed) => {
      const line = typed.replace(/\s+/g, ' ');
      return [...line].length <= most ? line : null;
    },
    show: String,
    wanted: `请写明，1 到 ${most} 个字 Required: 1 to ${most} characters`,
  }),
  whole: ({ least, most }) => ({
    read: (typed) => inside(wholeOf(typed), least, most),
    show: String,
    wanted: `请填 ${least} 到 ${most} 的整数 Enter a whole number from ${least} to ${most}`,
  }),
  amount: ({ least = 1, most }) => ({
    read: (typed) => inside(fenOf(typed), least, most),
    show: (fen) => `¥${yuan(fen)}`,
    wanted: `请填金额，¥${yuan(least)} 到 ¥${yuan(most)}，例如 8.88 Enter an amount from ¥${yuan(least)} to ¥${yuan(most)}, such as 8.88`,
  }),
  /** What machines read: a rule's setting. */
  code: () => ({ read: plain, show: String, wanted: '必填 Required' }),
};

const inside = (value, least, most) => (value !== null && value >= least && value <= most ? value : null);

/**
 * A field: `{node, read, say, name, field, focus}`. `kind` is one of `KINDS` and `bounds` are its bounds; `field` is the
 * application's name for it. `read` answers `{value, shown}` or `{wrong}`; an empty field is no mistake unless
 * `required`.
 */
export function entry(id, name, { kind = 'text', field = id, label = name, required = false, ...rest }) {
  const { least, most, tag = 'input', ...properties } = rest;
  const { read, show, wanted } = KINDS[kind]({ least, most });
  const told = el('p.problem', { id: `${id}-problem`, role: 'alert' });
  const control = el(tag, {
    id,
    autocomplete: 'off',
    'aria-describedby': `${id}-problem`,
    'aria-required': String(required),
    ...(kind === 'amount' && { inputmode: 'decimal', placeholder: '0.00' }),
    ...(kind === 'whole' && { inputmode: 'numeric' }),
    ...properties,
  });
  const say = (text) => {
    put(told, text);
    if (text) control.setAttribute('aria-invalid', 'true');
    else control.removeAttribute('aria-invalid');
  };
  return {
    node: el('div', { 'data-field': id }, el('label', { for: id }, label), control, told),
    name,
    field,
    say,
    focus: () => control.focus(),
    read() {
      const typed = control.value.trim();
      if (!typed) return required ? { wrong: wanted } : {};
      const value = read(typed);
      return value === null ? { wrong: wanted } : { value, shown: show(value) };
    },
  };
}
