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

/** The body of `wrap`, or all that is not filled in well: `{problems: [[field, text, whether it is empty]]}`. */
export function bodyOf(typed, session) {
  const isExclusive = typed.kind === 'exclusive';
  const amount = fenOf(typed.amount);
  const count = isExclusive ? 1 : wholeOf(typed.count);
  const startsAt = typed.starts === -1 ? new Date(typed.when).getTime() : now() + typed.starts * 1000;
  const sum = typed.kind === 'equal' ? amount * count : amount;
  const problems = [
    // Beyond safe integers a number is not exact any more, and no amount is as large.
    (!amount || !Number.isSafeInteger(sum)) && ['amount', 'checkAmount'],
    !count && ['count', 'checkCount'],
    isExclusive && !typed.to.trim() && ['to', 'checkTo'],
    typed.starts === -1 && !(startsAt > now()) && ['when', 'checkWhen'],
  ].filter(Boolean);
  if (problems.length > 0) return { problems: problems.map(([id, text]) => [id, t(text), !typed[id].trim()]) };
  const greeting = typed.greeting.trim().replace(/\s+/g, ' ');
  const body = {
    kind: typed.kind === 'equal' ? 'equal' : 'lucky',
    total_fen: sum,
    count,
    to: isExclusive ? { user: userOf(typed.to) } : { group: session.group },
    ...(greeting && { greeting }),
    ...(typed.cover !== 'classic' && { cover: typed.cover }),
    ...(typed.password && { password: typed.password }),
    ...(typed.starts !== 0 && { starts_at_ms: startsAt }),
    ...(typed.lives !== LIFE_S && { expires_in_s: typed.lives }),
  };
  return { body };
}
