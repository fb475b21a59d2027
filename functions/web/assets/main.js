// The page: who is here, and which of its views.

import { chat } from './chat.js';
import { closeAll } from './dialog.js';
import { el, put, write } from './dom.js';
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
  const state = el('p.connection', { role: 'status' }); // `dialog.js` lifts it above what is open.
  const links = Object.keys(VIEWS).map((name) =>
    el('a', { href: `#${name}` }, el('span', { 'aria-hidden': 'true' }, ICONS[name]), t(name)),
  );
  const me = el(
    'header.me',
    face(session.user),
    el('b', nameOf(session.user)),
    el('span.row', languageButton(), el('button.plain', { type: 'button', onclick: exit }, t('leave'))),
  );
  const more = el('p.small', el('a', { href: '/console' }, t('console')), ' · ', el('a', { href: '/docs' }, t('docs')));
  put(app, el('div.shell', state, me, el('nav', { 'aria-label': t('title') }, links, more), main));
  let stop = () => {};
  const onState = ({ ok, refusal, ms }) => {
    if (refusal?.status === 401) exit();
    write(state, ok ? '' : t(refusal.code === 'offline' ? 'connection' : 'busy', { left: span(ms) }));
  };
  const show = () => {
    stop();
    const wanted = location.hash.slice(1);
    const name = Object.keys(VIEWS).includes(wanted) ? wanted : 'chat';
    links.forEach((link) =>
      link.hash === `#${name}` ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current'),
    );
    stop = VIEWS[name](main, session, onState) ?? (() => {});
  };
  addEventListener('hashchange', show);
  leave = () => {
    stop();
    removeEventListener('hashchange', show);
    closeAll();
  };
  show();
}

start();
performance.mark('interactive');
