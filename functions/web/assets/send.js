// Wrapping a packet: checked as it is typed, by the very call that sending starts with. `wrap` writes nothing, so the
// balance and the limits shown are the application's own, and nothing here repeats its rules.

import { persist } from './api.js';
import { dialog, el, put, toast } from './dom.js';
import { fenOf, yuan } from './money.js';
import { DEMO_USERS, face, nameOf } from './people.js';
import { explain, span, t } from './words.js';

const COVERS = { classic: '福', koi: '🐟', dragon: '🐉', peony: '🌸', lantern: '🏮', zodiac: '🐴' };
const GREETING_MAX = 200;
const STARTS_S = [10, 60, 600];
const LIVES_S = [60, 3600, 86_400];
const FIELDS = {
  total_fen: 'amount',
  count: 'count',
  to: 'to',
  'to.user': 'to',
  greeting: 'greeting',
  password: 'password',
  starts_at_ms: 'when',
  limit_count: 'count',
  limit_share_average_fen: 'amount',
  limit_daily_send_fen: 'amount',
};

/** The form. `onSent` gets the packet as the list will show it. */
export function sendForm(session, people, onSent) {
  const chosen = { kind: 'lucky', cover: 'classic', to: '', starts: 0, lives: 86_400 };
  const input = (id, properties) =>
    el('input', {
      id,
      name: id,
      autocomplete: 'off',
      oninput: () => changed(),
      'aria-describedby': `${id}-problem`,
      ...properties,
    });
  const amount = input('amount', { inputmode: 'decimal', placeholder: '0.00' });
  const count = input('count', { inputmode: 'numeric', placeholder: '1', value: '5' });
  const to = input('to', { placeholder: 'bob', autocapitalize: 'none' });
  const password = input('password', { maxlength: 32 });
  const when = input('when', { type: 'datetime-local', step: 1, hidden: true, 'aria-label': t('at') });
  const greeting = el('textarea', {
    id: 'greeting',
    rows: 2,
    placeholder: t('greetingDefault'),
    'aria-describedby': 'greeting-problem greeting-length',
    oninput: () => changed(),
  });
  const length = el('small', { id: 'greeting-length' });
  const total = el('p.total', { 'aria-live': 'polite' });
  const verdict = el('p.verdict', { role: 'status' });
  const pay = el('button.primary.big', { disabled: true }, t('pay'));
  const amountLabel = el('label', { for: 'amount' });
  const problems = {};
  const field = (id, label, ...controls) => {
    problems[id] = el('p.problem', { id: `${id}-problem`, role: 'alert' });
    return el('div.field', { 'data-field': id }, label, controls, problems[id]);
  };
  /** One of several, as buttons that keep their state. */
  const choice = (name, options, label) => {
    const buttons = options.map(([value, ...shown]) =>
      el(
        'button',
        {
          type: 'button',
          'aria-pressed': chosen[name] === value,
          'data-value': value,
          onclick: () => {
            chosen[name] = value;
            buttons.forEach((button) => button.setAttribute('aria-pressed', button.dataset.value === String(value)));
            changed();
          },
        },
        shown,
      ),
    );
    return el(`div.choice.choose-${name}`, { role: 'group', 'aria-label': label }, buttons);
  };
  const others = [...new Set([...people, ...DEMO_USERS])].filter((user) => user !== session.user).slice(0, 8);
  const toChips = el(
    'div.chips',
    others.map((user) =>
      el(
        'button.chip',
        {
          type: 'button',
          onclick: () => {
            to.value = user.slice(3);
            changed();
          },
        },
        face(user, 'tiny'),
        nameOf(user),
      ),
    ),
  );
  const countField = field('count', el('label', { for: 'count' }, t('count')), count);
  const toField = field('to', el('label', { for: 'to' }, t('to')), to, toChips);
  const form = el(
    'form.send',
    { novalidate: true, onsubmit: submit },
    el('h3', t('send')),
    choice(
      'kind',
      ['lucky', 'equal', 'exclusive'].map((kind) => [kind, el('b', t(kind)), el('small', t(`${kind}Hint`))]),
      t('send'),
    ),
    field('amount', amountLabel, el('span.with-unit', amount, el('span', { 'aria-hidden': 'true' }, '¥'))),
    countField,
    toField,
    field('greeting', el('label', { for: 'greeting' }, t('greeting'), length), greeting),
    el(
      'div.field',
      el('span.label', t('cover')),
      choice(
        'cover',
        Object.entries(COVERS).map(([cover, mark]) => [
          cover,
          el(`span.cover-${cover}`, { 'aria-hidden': 'true' }, mark),
          el('span.unseen', cover),
        ]),
        t('cover'),
      ),
    ),
    el(
      'details',
      el('summary', t('more')),
      field('password', el('label', { for: 'password' }, t('password')), password, el('small', t('passwordHint'))),
      field(
        'when',
        el('span.label', t('when')),
        choice(
          'starts',
          [[0, t('now')], ...STARTS_S.map((s) => [s, t('inTime', { left: span(s * 1000) })]), [-1, t('at')]],
          t('when'),
        ),
        when,
      ),
      el(
        'div.field',
        el('span.label', t('lives')),
        choice(
          'lives',
          LIVES_S.map((s) => [s, span(s * 1000)]),
          t('lives'),
        ),
      ),
    ),
    total,
    verdict,
    pay,
  );
  const node = dialog('send-dialog', t('send'), t('close'), form);
  let timer;
  let round = 0;

  /** The body of `wrap`, or the field that is not filled in yet. */
  function draft() {
    const typed = fenOf(amount.value);
    if (!typed) return { missing: ['amount', t('checkAmount')] };
    const shares = chosen.kind === 'exclusive' ? 1 : Number(count.value);
    if (!Number.isInteger(shares) || shares < 1) return { missing: ['count', t('checkCount')] };
    const user = to.value.trim();
    if (chosen.kind === 'exclusive' && !user) return { missing: ['to', t('checkTo')] };
    const startsAt = chosen.starts === -1 ? new Date(when.value).getTime() : Date.now() + chosen.starts * 1000;
    if (chosen.starts === -1 && !(startsAt > Date.now())) return { missing: ['when', t('checkWhen')] };
    return {
      body: {
        kind: chosen.kind === 'equal' ? 'equal' : 'lucky',
        total_fen: chosen.kind === 'equal' ? typed * shares : typed,
        count: shares,
        to:
          chosen.kind === 'exclusive'
            ? { user: user.startsWith('us_') ? user : `us_${user}` }
            : { group: session.group },
        ...(greeting.value.trim() && { greeting: greeting.value.trim().replace(/\s+/g, ' ') }),
        ...(chosen.cover !== 'classic' && { cover: chosen.cover }),
        ...(password.value && { password: password.value }),
        ...(chosen.starts !== 0 && { starts_at_ms: startsAt }),
        ...(chosen.lives !== 86_400 && { expires_in_s: chosen.lives }),
      },
    };
  }

  function changed() {
    put(amountLabel, t(chosen.kind === 'equal' ? 'amountEach' : 'amountTotal'));
    countField.hidden = chosen.kind === 'exclusive';
    toField.hidden = chosen.kind !== 'exclusive';
    when.hidden = chosen.starts !== -1;
    put(length, t('characters', { n: [...greeting.value].length, most: GREETING_MAX }));
    const { body } = draft();
    put(total, el('small', '¥'), yuan(body?.total_fen ?? 0));
    clear();
    put(verdict);
    pay.disabled = true;
    round += 1;
    clearTimeout(timer);
    if (body) timer = setTimeout(check, 250, round);
  }

  function clear() {
    Object.values(problems).forEach((problem) => put(problem));
    form.querySelectorAll('[aria-invalid]').forEach((control) => control.removeAttribute('aria-invalid'));
  }

  async function check(mine) {
    const { body } = draft();
    if (!body) return;
    try {
      const quote = await session.ask('POST', '/v1/wrap', body);
      if (mine !== round) return;
      const parts = [
        `${t('balance')} ¥${yuan(quote.balance_fen)}`,
        t('after', { yuan: yuan(quote.balance_fen - quote.total_fen) }),
      ];
      if (body.count > 1) parts.push(t('average', { yuan: yuan(Math.floor(quote.total_fen / quote.count)) }));
      put(verdict, `✓ ${parts.join(' · ')}`);
      pay.disabled = false;
    } catch (refusal) {
      if (mine !== round) return;
      tell(refusal);
      pay.disabled = !refusal.passes;
    }
  }

  /** A refusal beside its field, or under the form. */
  function tell(refusal) {
    const limit = /^limit_\w+/.exec(refusal.message)?.[0];
    const id = FIELDS[refusal.field] ?? FIELDS[limit] ?? (refusal.code === 'insufficient_balance' ? 'amount' : null);
    if (!id) {
      put(verdict, explain(refusal));
      return;
    }
    put(problems[id], explain(refusal));
    form.querySelector(`#${id}`)?.setAttribute('aria-invalid', 'true');
  }

  async function submit(event) {
    event.preventDefault();
    const { body, missing } = draft();
    clear();
    if (missing) {
      const [id, text] = missing;
      put(problems[id], text);
      form.querySelector(`#${id}`)?.focus();
      return;
    }
    clearTimeout(timer);
    round += 1;
    pay.disabled = true;
    put(pay, t('paying'));
    const waits = (refusal, ms) => {
      put(verdict, `${t(refusal.code === 'offline' ? 'offlineWhy' : 'momentWhy')} ${t('moment', { left: span(ms) })}`);
      return node.open;
    };
    try {
      const { quote } = await persist(() => session.ask('POST', '/v1/wrap', body), waits);
      // The quote is the packet's identity: sent again after a lost answer, it is the same packet.
      const sent = await persist(() => session.ask('POST', '/v1/send', { quote }), waits);
      node.close();
      toast(t('sent'));
      onSent(listed(body, sent));
    } catch (refusal) {
      tell(refusal);
      put(pay, t('pay'));
      pay.disabled = false;
    }
  }

  /** The packet as the list of the group will show it. */
  function listed(body, sent) {
    const now = Date.now();
    return {
      ...body,
      packet_id: sent.packet_id,
      sender: session.user,
      has_password: Boolean(body.password),
      state: sent.state,
      settled: 0,
      my_amount_fen: null,
      created_at_ms: now,
      starts_at_ms: body.starts_at_ms ?? now,
      expires_at_ms: sent.expires_at_ms,
      ...(body.to.group && { to: undefined }),
    };
  }

  changed();
  amount.focus();
}
