// What operators can turn and ask: reconciliation, switches, the blacklist, deposits.

import { act, amountInput, facts, moment } from './act.js';
import { el, put } from './dom.js';
import { fenOf, yuan } from './money.js';

const SWITCHES = { sends: '发红包 Sending' };

/** The panels: each a node, and where its state can change by itself, `read`. */
export const controls = (ask) => [reconciliation(ask), switches(ask), blacklist(ask), deposits(ask)];

const told = (refusal) => el('p.problem', { role: 'alert' }, `${refusal.code}: ${refusal.message}`);

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
          put(
            result,
            el(
              `p.${ok ? 'ok' : 'not-ok'}`,
              ok ? '✓ 账目一致，分文不差 The books balance' : `✗ 差额 drift ¥${yuan(drift)}`,
            ),
            el(
              'div.wide',
              el(
                'table',
                el(
                  'tbody',
                  [...checks.values()].map((check) =>
                    el(
                      'tr',
                      el(`td.${check.ok ? 'ok' : 'not-ok'}`, check.ok ? '✓' : '✗'),
                      el('td', check.name.replaceAll('_', ' ')),
                      el('td', check.detail),
                    ),
                  ),
                ),
              ),
            ),
          );
        } catch (refusal) {
          put(result, told(refusal));
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
      put(body, told(refusal));
    }
  };
  read();
  return { node: el('section.panel', { id: 'switches' }, el('h2', '开关 Switches'), body), read };
}

function blacklist(ask) {
  const user = el('input', { id: 'blocked-user', placeholder: 'us_…', autocomplete: 'off', required: true });
  const body = el('div', { role: 'status' });
  const path = (id) => `/v1/admin/blacklist/${encodeURIComponent(id)}`;
  const look = async () => {
    const id = user.value.trim();
    try {
      const found = await ask('GET', path(id));
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
        el(
          'dl.facts',
          facts([
            ['用户 User', found.user],
            ['状态 State', found.blocked ? '已拉黑 Blocked' : '正常 Not blocked'],
            ['原因 Reason', found.reason],
            ['操作人 By', found.operator],
            ['时间 At', moment(found.at_ms)],
          ]),
        ),
        el(`button.plain${found.blocked ? '' : '.danger'}`, { type: 'button', onclick: () => act(turn) }, turn.title),
      );
    } catch (refusal) {
      put(body, told(refusal));
    }
  };
  const node = el(
    'section.panel',
    { id: 'blacklist' },
    el('h2', '黑名单 Blacklist'),
    el(
      'form.inline',
      {
        onsubmit: (event) => {
          event.preventDefault();
          look();
        },
      },
      el('label', { for: 'blocked-user' }, '用户 User'),
      user,
      el('button.plain', '查询 Look up'),
    ),
    body,
  );
  return { node };
}

function deposits(ask) {
  const field = (id, name, placeholder) =>
    el(
      'div',
      el('label', { for: id }, name),
      el('input', { id, 'data-name': name, placeholder, required: true, autocomplete: 'off' }),
    );
  const start = () => {
    const fields = [
      field('deposit-id', '单号 Id', 'order-1'),
      field('deposit-user', '用户 User', 'us_…'),
      el(
        'div',
        el('label', { for: 'deposit-amount' }, '金额 Amount ¥'),
        amountInput('deposit-amount', '金额 Amount ¥', { placeholder: '0.00', required: true }),
      ),
    ];
    const [id, user, amount] = fields.map((one) => one.querySelector('input'));
    act({
      title: '充值 Deposit',
      fields,
      isReasonNeeded: false,
      work: (reason) =>
        ask('POST', '/v1/admin/deposits', {
          id: id.value.trim(),
          user: user.value.trim(),
          amount_fen: fenOf(amount.value) ?? 0,
          ...(reason && { reason }),
        }),
    });
  };
  const node = el(
    'section.panel',
    { id: 'deposits' },
    el('h2', '充值 Deposits', el('button.plain', { type: 'button', onclick: start }, '新充值 New')),
    el('p.hint', '同一单号只入账一次 The same id is paid once'),
  );
  return { node };
}
