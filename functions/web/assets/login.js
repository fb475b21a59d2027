// Choosing who to be. Only where the application lets anybody be anybody (`dev_login`).

import { el, put } from './dom.js';
import { fieldset } from './fields.js';
import { DEMO_USERS, face, nameOf } from './people.js';
import { Session } from './session.js';
import { explain, t } from './words.js';

const NAME = /^[A-Za-z0-9_-]{1,60}$/;

/** The form; calls `enter` with the session. */
export function login(enter, languageButton) {
  const problem = el('p.problem', { role: 'alert' });
  const typed = { name: '', group: 'demo' };
  const { field, input, say, clear } = fieldset(typed, () => clear());
  const properties = { autocapitalize: 'none', spellcheck: 'false' };
  const as = async (user) => {
    clear();
    put(problem);
    if (!NAME.test(typed.group.trim())) {
      say('group', t('checkName', { hint: t('nameHint') }));
      return;
    }
    try {
      enter(await Session.login(user, `g_${typed.group.trim()}`));
    } catch (refusal) {
      put(problem, refusal.code === 'not_found' ? t('loginOff') : explain(refusal));
    }
  };
  const onsubmit = (event) => {
    event.preventDefault();
    if (NAME.test(typed.name.trim())) as(`us_${typed.name.trim()}`);
    else say('name', t('checkName', { hint: t('nameHint') }));
  };
  const people = DEMO_USERS.map((user) =>
    el(
      'li',
      el(
        'button.person',
        { type: 'button', 'data-user': user, onclick: () => as(user) },
        face(user, 'big'),
        nameOf(user),
      ),
    ),
  );
  return el(
    'main.login',
    el('div.art', { 'aria-hidden': 'true' }, el('span.flap'), el('span.coin', '福')),
    el(
      'div.choose',
      el('div.row', el('h1', t('title')), languageButton),
      el('p.slogan', t('slogan')),
      el('h2', t('who')),
      el('p.hint', t('whoHint')),
      el('ul.people', people),
      problem,
      el(
        'form',
        { novalidate: true, onsubmit },
        field(
          'name',
          el('label', { for: 'name' }, t('otherName')),
          input('name', properties),
          el('small', t('nameHint')),
        ),
        field('group', el('label', { for: 'group' }, t('group')), input('group', properties)),
        el('button.primary', t('enter')),
      ),
    ),
  );
}
