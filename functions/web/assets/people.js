// Who somebody is: a name and a face, both from the id.

import { el } from './dom.js';
import { language } from './words.js';

const DEMO = {
  us_alice: ['小雅', 'Alice', '🐰'],
  us_bob: ['阿博', 'Bob', '🐼'],
  us_carol: ['可儿', 'Carol', '🦊'],
  us_dave: ['大伟', 'Dave', '🐯'],
  us_erin: ['艾琳', 'Erin', '🐨'],
  us_frank: ['小凡', 'Frank', '🐸'],
  us_grace: ['格蕾', 'Grace', '🦄'],
  us_heidi: ['海蒂', 'Heidi', '🐧'],
};
const FACES = ['🐶', '🐱', '🐭', '🐹', '🐻', '🐮', '🐷', '🐵', '🐔', '🦁', '🐙', '🦉', '🐳', '🐝', '🐢', '🦋'];
const TONES = 12;

/** The people to choose from. */
export const DEMO_USERS = Object.keys(DEMO);

const sum = (id) => [...id].reduce((all, letter) => (all * 31 + letter.codePointAt(0)) >>> 0, 7);

/** A name to show. */
export function nameOf(id) {
  const [zh, en] = DEMO[id] ?? [];
  return (language() === 'en' ? en : zh) ?? id.replace(/^us_/, '');
}

/** The name as an element: however long, it takes two lines at most. */
export const who = (id, ...more) => el('bdi.who', { title: id }, nameOf(id), more);

/** A face; its background tells people apart where the little pictures are alike. */
export function face(id, size = '') {
  const picture = DEMO[id]?.[2] ?? FACES[sum(id) % FACES.length];
  return el(`span.face${size && `.${size}`}.tone-${sum(id) % TONES}`, { 'aria-hidden': 'true' }, picture);
}
