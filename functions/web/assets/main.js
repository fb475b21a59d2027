// The page: who is here, and which of its views.

import { el, put } from './dom.js';
import { chat } from './chat.js';
import { login } from './login.js';
import { mine } from './mine.js';
import { face, nameOf } from './people.js';
import { Session } from './session.js';
import { language, span, t, turnLanguage } from './words.js';
import { wallet } from './wallet.js';

const VIEWS = { chat, wallet, mine };
const ICONS = { chat: '💬', wallet: '👛', mine: '🧧' };
const app = document.querySelector('#app');

let session = Session.kept();
let leave = () => {};

function start() {
  leave();
  leave = () => {};
  document.title = `${t('title')} · ${t('slogan')}`;
  if (session) shell();
  else put(app, login(enter, languageButton()));
}

function enter(entered) {
  session = entered;
  start();
}

/** Ends the session: somebody else may come, or the token is over. */
function exit() {
  session?.end();
  session = null;
  start();
}

function languageButton() {
  const turn = () => {
    turnLanguage();
    start();
  };
  return el(
    'button.plain',
    { type: 'button', lang: language() === 'en' ? 'zh-CN' : 'en', onclick: turn },
    t('language'),
  );
}

function shell() {
  const main = el('main', { id: 'main', tabindex: -1 });
  const state = el('p.connection', { role: 'status' });
  const links = Object.keys(VIEWS).map((name) =>
    el('a', { href: `#${name}` }, el('span', { 'aria-hidden': 'true' }, ICONS[name]), t(name)),
  );
  const me = el(
    'div.me',
    face(session.user),
    el('b', nameOf(session.user)),
    languageButton(),
    el('button.plain', { type: 'button', onclick: exit }, t('leave')),
  );
  put(
    app,
    el(
      'div.shell',
      el(
        'nav',
        { 'aria-label': t('title') },
        me,
        ...links,
        el('p.small', el('a', { href: '/console' }, t('console')), ' · ', el('a', { href: '/docs' }, t('docs'))),
      ),
      state,
      main,
    ),
  );
  let stop = () => {};
  const onState = ({ ok, refusal, ms }) => {
    if (refusal?.status === 401) exit();
    const text = ok ? '' : t(refusal.code === 'offline' ? 'connection' : 'busy', { left: span(ms) });
    if (state.textContent !== text) state.textContent = text;
  };
  const show = () => {
    stop();
    const name = location.hash.slice(1) in VIEWS ? location.hash.slice(1) : 'chat';
    links.forEach((link) =>
      link.hash === `#${name}` ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current'),
    );
    onState({ ok: true });
    stop = VIEWS[name](main, session, onState) ?? (() => {});
  };
  addEventListener('hashchange', show);
  leave = () => {
    stop();
    removeEventListener('hashchange', show);
    document.querySelectorAll('dialog').forEach((open) => open.close());
  };
  show();
}

start();
performance.mark('interactive');
