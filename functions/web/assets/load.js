// What operators steer under load: the ladder, the risk rules, the shards.

import { act } from './act.js';
import { el, put } from './dom.js';
import { entry } from './entries.js';
import { table } from './table.js';
import { isKnown, known, missing, problem } from './values.js';

/** The most that a shard weighs. */
const WEIGHT_MAX = 1000;
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
      put(body, missing(answer), draw(answer, read));
    } catch (refusal) {
      drawn = undefined;
      put(body, problem(refusal));
    }
  };
  read();
  const again = el('button.plain', { type: 'button', onclick: read }, '刷新 Refresh');
  return { node: el('section.panel', { id }, el('h2', title, again), body), read };
}

const button = (text, danger, act) =>
  el(`button.plain${danger ? '.danger' : ''}`, { type: 'button', onclick: act }, text);

function ladder(ask) {
  const isSet = (now) => isKnown(now.set);
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
        el(`b.${now.level === 0 ? 'ok' : 'not-ok'}`, known(LEVELS[now.level])),
        ' ',
        el('small', isSet(now) ? ['人工 set; 负载 load: ', known(now.by_load)] : '跟随负载 follows the load'),
      ),
      el(
        'div.acts',
        LEVELS.map((text, level) => level !== now.set && button(text, level > 0, set(level))),
        isSet(now) && button('跟随负载 Follow the load', false, set(null)),
      ),
    ];
  };
  return panel(ask, { id: 'ladder', title: '降级 Ladder', path: '/v1/admin/ladder', draw });
}

function rules(ask) {
  const heads = ['规则 Rule', '设置 Setting', ''];
  const draw = ({ rules: all }, read) => {
    const set = (rule) => () =>
      act({
        title: `风控规则 Rule ${rule.rule}`,
        entries: [
          entry('setting', '设置 Setting', {
            kind: 'code',
            label: 'off / flag / slow / deny[:界限 bound]',
            value: rule.setting,
            required: true,
          }),
        ],
        work: (reason, { setting }) => ask('PUT', `/v1/admin/risk-rules/${rule.rule}`, { setting, reason }),
        done: read,
      });
    const rows = all.map((rule) => [rule.rule, known(rule.setting), button('修改 Set', false, set(rule))]);
    return table(heads, rows);
  };
  return panel(ask, { id: 'rules', title: '风控规则 Risk rules', path: '/v1/admin/risk-rules', draw });
}

function shards(ask) {
  const heads = ['分片 Shard', '红包 Packets', '积压 Backlog', '权重 Weight', ''];
  const draw = ({ shards: all }, read) => {
    const weigh = (shard) => () =>
      act({
        title: `分片 ${shard.shard} 的权重 Weight of shard ${shard.shard}`,
        entries: [
          entry('weight', '权重 Weight', {
            kind: 'whole',
            least: 0,
            most: WEIGHT_MAX,
            label: `0–${WEIGHT_MAX}，平常 usual: 100`,
            value: shard.weight,
            required: true,
          }),
        ],
        work: (reason, { weight }) => ask('PUT', `/v1/admin/shards/${shard.shard}`, { weight, reason }),
        done: read,
      });
    const giveUp = (shard) => () =>
      act({
        title: `放弃分片 ${shard.shard}：红包移入数据库 Give shard ${shard.shard} up: its packets move into SQL`,
        work: (reason) => ask('POST', `/v1/admin/shards/${shard.shard}/move`, { reason }),
        done: read,
      });
    const rebuilt = (shard) => [' (重建 rebuilt ', known(shard.rebuilt), '/', known(shard.to_rebuild), ')'];
    const rows = all.map((shard) => [
      el(`td.${shard.is_up ? 'ok' : 'not-ok'}`, `#${shard.shard} ${shard.is_up ? '✓' : '✗'}`),
      el('td.number', known(shard.packets), isKnown(shard.rebuilt) && rebuilt(shard)),
      el('td.number', known(shard.backlog)),
      el('td.number', known(shard.weight)),
      el('div.acts', button('权重 Weigh', false, weigh(shard)), button('放弃 Give up', true, giveUp(shard))),
    ]);
    return table(heads, rows);
  };
  return panel(ask, { id: 'shards', title: '分片 Shards', path: '/v1/admin/shards', draw });
}
