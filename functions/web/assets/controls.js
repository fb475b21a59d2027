// What operators can turn and ask: reconciliation, switches, the blacklist, deposits.

import { act } from './act.js';
import { el, put } from './dom.js';
import { entry } from './entries.js';
import { table } from './table.js';
import { ZONE, facts, known, missing, moment, money, problem } from './values.js';

const SWITCHES = { sends: '发红包 Sending' };
/** The most that one deposit moves. */
const DEPOSIT_MAX_FEN = 1_000_000_000_000;

/** The panels: each a node, and where its state can change by itself, `read`. */
export const controls = (ask) => [reconciliation(ask), switches(ask), blacklist(ask), deposits(ask)];

function reconciliation(ask) {
  const result = el('div', { role: 'status' });
  const run = el(
    'button.plain',
    {
      type: 'button',
      onclick: async () => {
        run.disabled = true;
        put(result, '对账中 Reconciling…');
        try {
          const checks = new Map();
          let [ok, drift, after] = [true, 0, ''];
          do {
            const page = await ask('GET', `/v1/admin/reconcile${after && `?after=${encodeURIComponent(after)}`}`);
            ok &&= page.ok;
            drift = Math.max(drift, page.drift_fen);
            for (const check of page.checks) if (!checks.has(check.name) || !check.ok) checks.set(check.name, check);
            after = page.next ?? '';
          } while (after);
          const differs = drift > 0 ? `差额 drift ${money(drift)}` : '有一项不成立 A check does not hold';
          put(
            result,
            el(`p.${ok ? 'ok' : 'not-ok'}`, ok ? '✓ 账目一致，分文不差 The books balance' : `✗ ${differs}`),
            table(
              ['', '检查 Check', '详情 Detail'],
              [...checks.values()].map((check) => [
                el(`td.${check.ok ? 'ok' : 'not-ok'}`, check.ok ? '✓' : '✗'),
                check.name.replaceAll('_', ' '),
                known(check.detail),
              ]),
            ),
          );
        } catch (refusal) {
          put(result, problem(refusal));
        }
        run.disabled = false;
      },
    },
    '立即对账 Run now',
  );
  return { node: el('section.panel', { id: 'reconcile' }, el('h2', '对账 Reconciliation', run), result) };
}

function switches(ask) {
  const body = el('div');
  let drawn;
  const read = async () => {
    try {
      const state = await ask('GET', '/v1/admin/switches');
      // What is the same stays as it is, with the focus that it may have.
      if (drawn === JSON.stringify(state)) return;
      drawn = JSON.stringify(state);
      put(
        body,
        missing(state),
        Object.entries(state)
          .filter(([, on]) => typeof on === 'boolean')
          .map(([name, on]) =>
            el(
              'div.switch',
              el('b', SWITCHES[name] ?? name),
              el(`span.${on ? 'ok' : 'not-ok'}`, on ? '开 On' : '关 Off'),
              el(
                `button.plain${on ? '.danger' : ''}`,
                {
                  type: 'button',
                  'data-switch': name,
                  onclick: () =>
                    act({
                      title: `${on ? '关闭 Turn off' : '打开 Turn on'}: ${SWITCHES[name] ?? name}`,
                      danger: on,
                      work: (reason) => ask('PUT', '/v1/admin/switches', { [name]: !on, reason }),
                      done: read,
                    }),
                },
                on ? '关闭 Turn off' : '打开 Turn on',
              ),
            ),
          ),
      );
    } catch (refusal) {
      drawn = undefined;
      put(body, problem(refusal));
    }
  };
  read();
  return { node: el('section.panel', { id: 'switches' }, el('h2', '开关 Switches'), body), read };
}

function blacklist(ask) {
  const user = entry('blocked-user', '用户 User', { placeholder: 'us_…', required: true });
  const body = el('div', { role: 'status' });
  const path = (id) => `/v1/admin/blacklist/${encodeURIComponent(id)}`;
  let round = 0;
  const look = async () => {
    const { value: id, wrong } = user.read();
    user.say(wrong);
    round += 1;
    const mine = round;
    put(body);
    if (wrong) {
      user.focus();
      return;
    }
    try {
      const found = await ask('GET', path(id));
      if (mine === round) draw(id, found);
    } catch (refusal) {
      if (mine === round) put(body, problem(refusal));
    }
  };
  const draw = (id, found) => {
    const turn = found.blocked
      ? {
          title: `解除 Unblock ${id}`,
          danger: false,
          isReasonNeeded: false,
          work: () => ask('DELETE', path(id)),
          done: look,
        }
      : { title: `拉黑 Block ${id}`, work: (reason) => ask('PUT', path(id), { reason }), done: look };
    put(
      body,
      missing(found),
      el(
        'dl.facts',
        facts([
          ['用户 User', found.user],
          ['状态 State', found.blocked ? '已拉黑 Blocked' : '正常 Not blocked'],
          // Why and by whom stands in the ledger alone.
          ...(found.blocked
            ? [
                ['原因 Reason', known(found.reason)],
                ['操作人 By', known(found.operator)],
                [`时间 At (${ZONE})`, known(found.at_ms, moment)],
              ]
            : []),
        ]),
      ),
      el(`button.plain${found.blocked ? '' : '.danger'}`, { type: 'button', onclick: () => act(turn) }, turn.title),
    );
  };
  const onsubmit = (event) => {
    event.preventDefault();
    look();
  };
  const form = el('form.inline', { novalidate: true, onsubmit }, user.node, el('button.plain', '查询 Look up'));
  return { node: el('section.panel', { id: 'blacklist' }, el('h2', '黑名单 Blacklist'), form, body) };
}

function deposits(ask) {
  const start = () =>
    act({
      title: '充值 Deposit',
      entries: [
        entry('deposit-id', '单号 Id', { field: 'id', placeholder: 'order-1', required: true }),
        entry('deposit-user', '用户 User', { field: 'user', placeholder: 'us_…', required: true }),
        entry('deposit-amount', '金额 Amount ¥', {
          kind: 'amount',
          field: 'amount_fen',
          most: DEPOSIT_MAX_FEN,
          required: true,
        }),
      ],
      isReasonNeeded: false,
      work: (_, values) => ask('POST', '/v1/admin/deposits', values),
    });
  const node = el(
    'section.panel',
    { id: 'deposits' },
    el('h2', '充值 Deposits', el('button.plain', { type: 'button', onclick: start }, '新充值 New')),
    el('p.hint', '同一单号只入账一次 The same id is paid once'),
  );
  return { node };
}
