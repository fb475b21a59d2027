// What the page says, in the language of who reads it.

import { el } from './dom.js';
import { REFUSALS, textOf } from './refusals.js';
import { ofBrowser } from './storage.js';
import { WORDS } from './texts.js';
import { zone } from './time.js';

const KEPT = 'hongbao.language';
const wanted = ofBrowser.get(KEPT) ?? ((navigator.language || 'zh').startsWith('zh') ? 'zh' : 'en');
let column = wanted === 'zh' ? 0 : 1;

/** `zh-CN` or `en`. */
export const language = () => (column === 0 ? 'zh-CN' : 'en');

/** Turns to the other language and remembers it. */
export function turnLanguage() {
  column = 1 - column;
  ofBrowser.set(KEPT, column === 0 ? 'zh' : 'en');
  document.documentElement.lang = language();
}
document.documentElement.lang = language();

/** The text `key` with its blanks filled. */
export function t(key, blanks = {}) {
  const texts = WORDS[key] ?? REFUSALS[key] ?? REFUSALS.e_other;
  return texts[column].replace(/\{(\w+)\}/g, (_, name) => String(blanks[name] ?? ''));
}

/** A length of time, in its largest unit that says enough. */
export function span(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 100) return t('seconds', { n: seconds });
  if (seconds < 6000) return t('minutes', { n: Math.round(seconds / 60) });
  return seconds < 172_800
    ? t('hours', { n: Math.round(seconds / 3600) })
    : t('days', { n: Math.round(seconds / 86_400) });
}

/** What happened and what to do, for a refusal. */
export function explain(refusal) {
  const [key, blanks] = textOf(refusal);
  const text = t(key, { ...blanks, left: span(refusal.retryAfterMs ?? 1000) });
  return key.startsWith('limit_') ? t('e_limit_exceeded', { limit: text }) : text;
}

/** That something is tried again by itself after `ms`. */
export const waiting = (refusal, ms) => [
  t(refusal.code === 'offline' ? 'offlineWhy' : 'momentWhy'),
  el('small', t('moment', { left: span(ms) })),
];

/** By which clock the times beside it are to be read. */
export const zoneNote = (...more) => el('small.zone', t('zone', { zone: zone() }), more);
