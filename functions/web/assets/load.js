// What operators steer under load: the ladder, the risk rules, the shards.

import { act } from './act.js';
import { el, put } from './dom.js';

const LEVELS = [
  '0 一切照常 everything',
  '1 停历史与详情 no history, no details',
  '2 停新红包 no new packets',
  '3 停抢 no new shares',
];

/** The panels: each a node and `read`, which brings it up to date. */
export const load = (ask) => [ladder(ask), rules(ask), shards(ask)];

/** A panel whose body `draw` makes from what `path` answers, anew whenever that is another answer. */
function panel(ask, { id, title, path, draw }) {
  const body = el('div', { role: 'status' });
  let drawn;
  const read = async () => {
    try {
      const answer = await ask('GET', path);
      // What is the same stays as it is, with the focus that it may have.
      if (drawn === JSON.stringify(answer)) return;
      drawn = JSON.stringify(answer);
      put(body, draw(answer, read));
    } catch (refusal) {
      drawn = undefined;
      put(body, el('p.problem', `${refusal.code}: ${refusal.message}`));
    }
  };
  read();
  const again = el('button.plain', { type: 'button', onclick: read }, '刷新 Refresh');
  return { node: el('section.panel', { id }, el('h2', title, again), body), read };
}

const button = (text, danger, act) =>
  el(`button.plain${danger ? '.danger' : ''}`, { type: 'button', onclick: act }, text);

function ladder(ask) {
  const draw = (now, read) => {
    const set = (level) => () =>
      act({
        title: `降级 Ladder: ${level === null ? '跟随负载 follow the load' : LEVELS[level]}`,
        danger: level > 0,
        work: (reason) => ask('PUT', '/v1/admin/ladder', { ...(level !== null && { level }), reason }),
        done: read,
      });
    return [
      el(
        'p',
        el(`b.${now.level === 0 ? 'ok' : 'not-ok'}`, LEVELS[now.level]),
        ' ',
        el('small', now.set === null ? '跟随负载 follows the load' : `人工 set; 负载 load: ${now.by_load}`),
      ),
      el(
        'div.acts',
        LEVELS.map((text, level) => level !== now.set && button(text, level > 0, set(level))),
        now.set !== null && button('跟随负载 Follow the load', false, set(null)),
      ),
    ];
  };
  return panel(ask, { id: 'ladder', title: '降级 Ladder', path: '/v1/admin/ladder', draw });
}

function rules(ask) {
  const draw = ({ rules: all }, read) => {
    const set = (rule) => () => {
      const setting = el('input', { id: 'setting', value: rule.setting, required: true, 'data-name': '设置 Setting' });
      const label = el('label', { for: 'setting' }, 'off / flag / slow / deny[:界限 bound]');
      act({
        title: `风控规则 Rule ${rule.rule}`,
        fields: [el('div', label, setting)],
        work: (reason) => ask('PUT', `/v1/admin/risk-rules/${rule.rule}`, { setting: setting.value.trim(), reason }),
        done: read,
      });
    };
    const row = (rule) =>
      el('tr', el('td', rule.rule), el('td', rule.setting), el('td', button('修改 Set', false, set(rule))));
    return el('div.wide', el('table', el('tbody', all.map(row))));
  };
  return panel(ask, { id: 'rules', title: '风控规则 Risk rules', path: '/v1/admin/risk-rules', draw });
}

function shards(ask) {
  const draw = ({ shards: all }, read) => {
    const weigh = (shard) => () => {
      const weight = el('input', {
        id: 'weight',
        value: shard.weight,
        inputmode: 'numeric',
        'data-name': '权重 Weight',
      });
      act({
        title: `分片 ${shard.shard} 的权重 Weight of shard ${shard.shard}`,
        fields: [el('div', el('label', { for: 'weight' }, '0–1000，平常 usual: 100'), weight)],
        work: (reason) => ask('PUT', `/v1/admin/shards/${shard.shard}`, { weight: Number(weight.value), reason }),
        done: read,
      });
    };
    const giveUp = (shard) => () =>
      act({
        title: `放弃分片 ${shard.shard}：红包移入数据库 Give shard ${shard.shard} up: its packets move into SQL`,
        work: (reason) => ask('POST', `/v1/admin/shards/${shard.shard}/move`, { reason }),
        done: read,
      });
    const row = (shard) =>
      el(
        'tr',
        el(`td.${shard.is_up ? 'ok' : 'not-ok'}`, `#${shard.shard} ${shard.is_up ? '✓' : '✗'}`),
        el('td.number', shard.rebuilt === null ? String(shard.packets) : `${shard.packets} (重建 rebuilt ${shard.rebuilt}/${shard.to_rebuild})`),
        el('td.number', String(shard.backlog ?? '—')),
        el('td.number', String(shard.weight)),
        el('td.acts', button('权重 Weigh', false, weigh(shard)), button('放弃 Give up', true, giveUp(shard))),
      );
    const heads = ['分片 Shard', '红包 Packets', '积压 Backlog', '权重 Weight', ''].map((head) => el('th', head));
    return el('div.wide', el('table', el('thead', el('tr', heads)), el('tbody', all.map(row))));
  };
  return panel(ask, { id: 'shards', title: '分片 Shards', path: '/v1/admin/shards', draw });
}
