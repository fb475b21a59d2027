// The operators' console: what the system does, what no rule could decide, and what operators may do about it.
//
// The token is pasted, kept for this window only, and sent as a header.

import { api, poll } from './api.js';
import { el, put } from './dom.js';
import { controls } from './controls.js';
import { exceptions } from './exceptions.js';
import { figures } from './figures.js';
import { load } from './load.js';
import { records } from './records.js';

const KEPT = 'hongbao.operator';
const app = document.querySelector('#app');

function login(problem = '') {
  const token = el('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'off',
    required: true,
    'aria-describedby': 'token-hint',
  });
  const submit = (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEPT, token.value.trim());
    start();
  };
  put(
    app,
    el(
      'main',
      el(
        'form.login',
        { onsubmit: submit },
        el('h1', '运营台 Console'),
        el('label', { for: 'token' }, '运营令牌 Operator token'),
        token,
        el('p.hint', { id: 'token-hint' }, '本机试用 On a local stack: ', el('code', 'cargo xtask token --operator')),
        el('p.problem', { role: 'alert' }, problem),
        el('button.primary', '进入 Enter'),
      ),
    ),
  );
  token.focus();
}

async function start() {
  const token = sessionStorage.getItem(KEPT);
  if (!token) {
    login();
    return;
  }
  const ask = api(token);
  try {
    await ask('GET', '/v1/admin/switches');
  } catch (refusal) {
    if (refusal.status === 401) {
      sessionStorage.removeItem(KEPT);
      login('令牌无效或已过期，请换一个 This token is not valid (any more): paste another');
      return;
    }
  }
  board(ask);
}

function board(ask) {
  const health = el('span.health', { role: 'status' }, '…');
  const leave = () => {
    live.stop();
    sessionStorage.removeItem(KEPT);
    login();
  };
  const numbers = figures();
  const cases = exceptions(ask);
  const shown = el('main.board', numbers.node, cases.node, ...controls(ask), ...load(ask), ...records(ask));
  put(
    app,
    el(
      'header.top',
      el('h1', '🧧 运营台 Console'),
      health,
      el('a.plain', { href: '/' }, '红包页 Page'),
      el('a.plain', { href: '/docs' }, 'API'),
      el('button.plain', { type: 'button', onclick: leave }, '退出 Leave'),
    ),
    shown,
  );
  const round = async () => {
    const [stats, metrics] = await Promise.all([ask('GET', '/v1/admin/stats'), ask('GET', '/metrics')]);
    numbers.draw(stats, metrics);
    cases.count(stats.exceptions_open);
    const down = stats.shards?.filter((shard) => !shard.is_up).length ?? 0;
    const troubles = [
      stats.exceptions_open && `${stats.exceptions_open} 异常 exceptions`,
      down && `${down} 分片失联 shards down`,
      stats.packets?.frozen && `${stats.packets.frozen} 冻结 frozen`,
    ].filter(Boolean);
    say(troubles.length === 0, troubles.join(' · ') || '正常 All is well');
    return true;
  };
  const say = (ok, text) => {
    if (health.textContent !== text) health.textContent = text;
    health.classList.toggle('bad', !ok);
  };
  const live = poll(round, {
    everyMs: 2000,
    idleMs: 2000,
    onState: ({ ok, refusal }) => {
      if (refusal?.status === 401) leave();
      else if (!ok) say(false, `没有应答，重试中 No answer, trying again (${refusal.code})`);
    },
  });
}

start();
