// The values that the console prints. While a store is away the application answers with nulls: what nobody can tell is
// a dash with its reason, and never a word of the program's.

import { el } from './dom.js';
import { yuan } from './money.js';

/** Whether there is a value. */
export const isKnown = (value) => value !== null && value !== undefined && !Number.isNaN(value);

/** What `show` makes of a value; a dash where nobody can tell the value. */
export const known = (value, show = String) =>
  isKnown(value) ? show(value) : el('abbr', { title: '现在无法得知 Not known at the moment' }, '—');

/** `¥1.50`, also of less than nothing. */
export const money = (fen) => `${fen < 0 ? '−' : ''}¥${yuan(Math.abs(fen))}`;

/** `2026-01-01 00:05:00` in China's time. */
export const moment = (ms) => new Date(ms).toLocaleString('sv', { timeZone: 'Asia/Shanghai' });

/** The zone of `moment`, for what stands beside it. */
export const ZONE = 'UTC+8';

/** Pairs for a `dl`, without those that do not apply. */
export const facts = (pairs) =>
  pairs
    .filter(([, value]) => isKnown(value) && value !== '' && value !== false)
    .flatMap(([name, value]) => [el('dt', name), el('dd', value)]);

/** What the application refused with; or, where a panel could not be drawn, what went wrong. */
export const told = (refusal) => (refusal.code ? `${refusal.code}: ${refusal.message}` : String(refusal));

/** The same as a paragraph. */
export const problem = (refusal) => el('p.problem', { role: 'alert' }, told(refusal));

/** Which stores did not answer, if any: what is shown is then what the others know. */
export const missing = (answer) =>
  answer.missing?.length > 0 && el('p.hint.missing', `没有应答 No answer from: ${answer.missing.join(', ')}`);
