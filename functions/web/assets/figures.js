// The system in numbers, live. Whatever `stats` and `/metrics` tell is shown: a figure that is added there appears here
// by itself. Counters are shown by their rate.

import { el, put } from './dom.js';
import { line } from './plot.js';
import { known, money } from './values.js';

const KEPT = 300;
const NAMES = {
  'packets.scheduled': '待开抢 Scheduled',
  'packets.open': '进行中 Open',
  'packets.overdue': '待关闭 Overdue',
  'packets.finished': '已领完 Finished',
  'packets.expired': '已过期 Expired',
  'packets.unloaded': '未装载 Unloaded',
  'packets.frozen': '冻结 Frozen',
  'money.escrow_fen': '红包里 In escrow',
  'money.wallets_fen': '钱包里 In wallets',
  'money.suspense_fen': '挂账 Suspense',
  'money.world_fen': '外部 World',
  exceptions_open: '待处理异常 Exceptions',
  blacklisted: '黑名单 Blacklisted',
  audit_acts: '操作记录 Acts',
  oldest_unsettled_ms: '到账延迟 Settlement lag',
  level_by_load: '负载级别 Load level',
  backlog: '积压 Backlog',
  is_up: '在线 Up',
};
const GROUPS = {
  packets: '红包 Packets',
  money: '资金 Money',
  shards: '分片 Shards',
  hits: '命中率 Hit rates',
  '': '系统 System',
  metrics: '速率 Rates',
};
const BAD = {
  exceptions_open: 1,
  'packets.frozen': 1,
  'money.suspense_fen': 1,
  oldest_unsettled_ms: 5000,
  level_by_load: 1,
};

/** The panel; `draw(stats, metrics)` brings it up to date. */
export function figures() {
  const body = el('div');
  const node = el('section.panel.full', el('h2', '实时 Live'), body);
  const history = new Map();
  const cards = new Map();

  function draw(stats, metrics) {
    const now = performance.now(); // Whatever happens to this device's clock.
    const { counters, ...gauges } = stats;
    const found = [...flat(gauges), ...hits(counters ?? {}), ...rates(metrics, now, history)];
    for (const { key, value } of found) {
      const points = history.get(key) ?? [];
      points.push([now, value ?? NaN]);
      if (points.length > KEPT) points.shift();
      history.set(key, points);
    }
    if (found.some(({ key }) => !cards.has(key)) || found.length !== cards.size) rebuild(found);
    for (const { key, value } of found) {
      const card = cards.get(key);
      put(card.number, known(value, (number) => show(key, number)));
      card.node.classList.toggle('bad', isBad(key, value));
      put(card.plot, line(history.get(key), titleOf(key)));
    }
  }

  function rebuild(found) {
    cards.clear();
    const groups = new Map();
    for (const { key } of found) {
      const group = groupOf(key);
      if (!groups.has(group)) groups.set(group, []);
      const card = { number: el('b'), plot: el('div') };
      card.node = el('div.figure', { 'data-figure': key }, el('div.name', titleOf(key)), card.number, card.plot);
      cards.set(key, card);
      groups.get(group).push(card.node);
    }
    put(
      body,
      [...groups].flatMap(([group, nodes]) => [el('h3.group', GROUPS[group] ?? group), el('div.figures', nodes)]),
    );
  }

  return { node, draw };
}

/** Every number in `stats`, by its path. */
function flat(value, path = '') {
  if (typeof value === 'boolean') return [{ key: path, value: Number(value) }];
  if (typeof value === 'number' || value === null) return [{ key: path, value }];
  if (Array.isArray(value)) return value.flatMap((one, place) => flat(one, `${path}.${one?.shard ?? place}`));
  if (typeof value !== 'object') return [];
  return Object.entries(value)
    .filter(([name]) => name !== 'shard')
    .flatMap(([name, one]) => flat(one, path ? `${path}.${name}` : name));
}

/** How often memory had the answer, in percent: of all counters that come in pairs. */
function hits(counters) {
  const names = Object.keys(counters).filter((name) => name.endsWith('_hit'));
  return names.map((name) => {
    const [hit, miss] = [counters[name], counters[name.replace(/_hit$/, '_miss')] ?? 0];
    return {
      key: `hits.${name.slice(0, -4)}_percent`,
      value: hit + miss ? Math.round((100 * hit) / (hit + miss)) : null,
    };
  });
}

/** What the counters and gauges of `/metrics` say that `stats` does not: counters by the second. */
function rates(text, now, history) {
  const kinds = new Map();
  const sums = new Map();
  for (const row of String(text).split('\n')) {
    const [, name, kind] = /^# TYPE (\S+) (\S+)/.exec(row) ?? [];
    if (name) kinds.set(name, kind);
    const [, sample, value] = /^([^#\s]\S*?)(?:\s*)\s(-?[\d.e+]+)$/.exec(row) ?? [];
    if (!sample) continue;
    if (kinds.get(sample.split('{')[0]) === 'counter') sums.set(sample, Number(value));
  }
  return [...sums].map(([sample, value]) => {
    const key = `metrics.${sample.replace(/^hongbao_/, '').replace('_total', '')}`;
    const before = history.get(`#${key}`);
    history.set(`#${key}`, [now, value]);
    const rate = before && now > before[0] ? Math.max(0, ((value - before[1]) * 1000) / (now - before[0])) : 0;
    return { key, value: Math.round(rate * 10) / 10 };
  });
}

const groupOf = (key) => (key.includes('.') ? key.split('.')[0] : '');
const lastOf = (key) => key.split('.').at(-1);

function titleOf(key) {
  const whole = NAMES[key] ?? GROUPS[key]; // A group of which nothing is known is one figure.
  if (whole) return whole;
  const name =
    NAMES[lastOf(key)] ??
    lastOf(key)
      .replace(/_(ms|fen|percent)$/, '')
      .replaceAll('_', ' ');
  if (key.startsWith('shards.')) return `#${key.split('.')[1]} ${name}`;
  return key.startsWith('metrics.') ? `${key.slice(8).replaceAll('_', ' ')} /s` : name;
}

function show(key, value) {
  if (key.endsWith('_fen')) return money(value);
  if (key.endsWith('_ms')) return value < 10_000 ? `${value} ms` : `${Math.round(value / 1000)} s`;
  if (key.endsWith('_percent')) return `${value} %`;
  if (key.endsWith('.is_up')) return value ? '✓' : '✗';
  return value.toLocaleString('en');
}

function isBad(key, value) {
  if (key.endsWith('.is_up')) return value === 0;
  const limit = BAD[key] ?? BAD[lastOf(key)];
  return limit !== undefined && value >= limit;
}
