// What is typed into the form for a packet, and the body of `wrap` that it makes.

import { fenOf, wholeOf } from './money.js';
import { now } from './time.js';
import { t } from './words.js';

const LIFE_S = 86_400;
const EMPTY = {
  kind: 'lucky',
  cover: 'classic',
  starts: 0,
  lives: LIFE_S,
  amount: '',
  count: '5',
  to: '',
  greeting: '',
  password: '',
  when: '',
};

// A form that is closed, by whatever slip, is there again as it was, until it is sent. By person: the window may change
// hands.
const kept = new Map();

/** What this person has typed and not sent. */
export function draftOf(session) {
  const key = `${session.user} ${session.group}`;
  if (!kept.has(key)) kept.set(key, { ...EMPTY });
  return kept.get(key);
}

/** Forgets it: it was sent. */
export const forget = (session) => kept.delete(`${session.user} ${session.group}`);

/** The user that a name stands for. */
const userOf = (name) => (name.trim().startsWith('us_') ? name.trim() : `us_${name.trim()}`);

/** The body of `wrap`, or the field that is not filled in well: `{problem: [field, text, whether it is empty]}`. */
export function bodyOf(typed, session) {
  const problem = (field, text) => ({ problem: [field, t(text), !typed[field].trim()] });
  const isExclusive = typed.kind === 'exclusive';
  const amount = fenOf(typed.amount);
  if (!amount) return problem('amount', 'checkAmount');
  const count = isExclusive ? 1 : wholeOf(typed.count);
  if (!count) return problem('count', 'checkCount');
  if (isExclusive && !typed.to.trim()) return problem('to', 'checkTo');
  const startsAt = typed.starts === -1 ? new Date(typed.when).getTime() : now() + typed.starts * 1000;
  if (typed.starts === -1 && !(startsAt > now())) return problem('when', 'checkWhen');
  const greeting = typed.greeting.trim().replace(/\s+/g, ' ');
  const body = {
    kind: typed.kind === 'equal' ? 'equal' : 'lucky',
    total_fen: typed.kind === 'equal' ? amount * count : amount,
    count,
    to: isExclusive ? { user: userOf(typed.to) } : { group: session.group },
    ...(greeting && { greeting }),
    ...(typed.cover !== 'classic' && { cover: typed.cover }),
    ...(typed.password && { password: typed.password }),
    ...(typed.starts !== 0 && { starts_at_ms: startsAt }),
    ...(typed.lives !== LIFE_S && { expires_in_s: typed.lives }),
  };
  // Beyond this a number is not exact any more, and no amount is as large.
  return Number.isSafeInteger(body.total_fen) ? { body } : problem('amount', 'checkAmount');
}
