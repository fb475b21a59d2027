// The operators' console: what the system does, what no rule could decide, and what operators may do about it.
//
// The token is pasted, kept for this window only, and sent as a header.

import { api, poll } from './api.js';
import { closeAll } from './dialog.js';
import { el, put } from './dom.js';
import { controls } from './controls.js';
import { exceptions } from './exceptions.js';
import { figures } from './figures.js';
import { load } from './load.js';
import { records } from './records.js';
import { ofWindow } from './storage.js';

const KEPT = 'hongbao.operator';
/** A figure's round takes 2 s; the panels are read anew once in so many. */
const PANELS_EVERY_ROUNDS = 3;
/** An opened share that waits longer than this for its settlement is late. */
const LATE_MS = 60_000;
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
    ofWindow.set(KEPT, token.value.trim());
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
  const token = ofWindow.get(KEPT);
  if (!token) {
    login();
    return;
  }
  const ask = api(token);
  try {
    await ask('GET', '/v1/admin/switches');
  } catch (refusal) {
    if (refusal.status === 401) {
      ofWindow.remove(KEPT);
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
    closeAll();
    ofWindow.remove(KEPT);
    login();
  };
  const numbers = figures();
  const cases = exceptions(ask);
  const panels = [...controls(ask), ...load(ask)];
  const nodes = panels.map((panel) => panel.node);
  const shown = el('main.board', numbers.node, cases.node, nodes, ...records(ask));
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
  const read = () => panels.forEach((panel) => panel.read?.());
  let rounds = 0;
  const round = async () => {
    const [stats, metrics] = await Promise.all([ask('GET', '/v1/admin/stats'), ask('GET', '/metrics')]);
    numbers.draw(stats, metrics);
    cases.count(stats.exceptions_open);
    const found = troubles(stats, metrics);
    const hasChanged = say(found.length === 0, found.join(' · ') || '正常 All is well');
    // What somebody else has set, or what has broken, shows without a press.
    if (hasChanged || rounds % PANELS_EVERY_ROUNDS === 0) read();
    rounds += 1;
    return true;
  };
  const say = (ok, text) => {
    const hasChanged = health.textContent !== text;
    if (hasChanged) health.textContent = text;
    health.classList.toggle('bad', !ok);
    return hasChanged;
  };
  const live = poll(round, {
    everyMs: 2000,
    idleMs: 2000,
    onState: ({ ok, refusal }) => {
      if (refusal?.status === 401) leave();
      // Then the panels may know more, each of its own store.
      else if (!ok && say(false, `没有应答，重试中 No answer, trying again (${refusal.code ?? refusal})`)) read();
    },
  });
}

/** Everything that keeps the system from being well, in words; none when it is. */
function troubles(stats, metrics) {
  const down = stats.shards?.filter((shard) => !shard.is_up).map((shard) => `#${shard.shard}`) ?? [];
  const level = gauge(metrics, 'hongbao_ladder_level') ?? 0;
  return [
    (gauge(metrics, 'hongbao_ledger_up') ?? 1) === 0 && '账本失联 The ledger does not answer',
    down.length > 0 && `分片失联 Shards down: ${down.join(', ')}`,
    gauge(metrics, 'hongbao_sends_on') === 0 && '发红包已关 Sending is off',
    level > 0 && `降级 Load shedding: level ${level}`,
    stats.exceptions_open > 0 && `${stats.exceptions_open} 异常 exceptions`,
    stats.packets?.frozen > 0 && `${stats.packets.frozen} 冻结 frozen`,
    stats.oldest_unsettled_ms > LATE_MS && '到账迟缓 Settlement is late',
  ].filter(Boolean);
}

/** The value of a metric without labels; nothing where it is not told. */
function gauge(metrics, name) {
  const [, value] = new RegExp(`^${name} (-?[\\d.e+]+)$`, 'm').exec(metrics) ?? [];
  return value === undefined ? undefined : Number(value);
}

start();
