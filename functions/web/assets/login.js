// Choosing who to be. Only where the application lets anybody be anybody (`dev_login`).

import { el, put } from './dom.js';
import { DEMO_USERS, face, nameOf } from './people.js';
import { Session } from './session.js';
import { explain, t } from './words.js';

const GROUP = 'g_demo';

/** The form; calls `enter` with the session. */
export function login(enter, languageButton) {
  const problem = el('p.problem', { role: 'alert' });
  const group = el('input', {
    id: 'group',
    value: GROUP.slice(2),
    pattern: '[A-Za-z0-9_\\-]{1,60}',
    required: true,
    autocomplete: 'off',
  });
  const name = el('input', {
    id: 'name',
    pattern: '[A-Za-z0-9_\\-]{1,60}',
    autocomplete: 'off',
    'aria-describedby': 'name-hint',
    autocapitalize: 'none',
  });
  const as = async (user) => {
    if (!group.reportValidity()) return;
    put(problem);
    try {
      enter(await Session.login(user, `g_${group.value}`));
    } catch (refusal) {
      put(problem, refusal.code === 'not_found' ? t('loginOff') : explain(refusal));
    }
  };
  const submit = (event) => {
    event.preventDefault();
    if (name.value) as(`us_${name.value}`);
    else name.focus();
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
        { onsubmit: submit },
        el('label', { for: 'name' }, t('otherName')),
        name,
        el('small', { id: 'name-hint' }, t('nameHint')),
        el('label', { for: 'group' }, t('group')),
        group,
        el('button.primary', t('enter')),
      ),
    ),
  );
}
