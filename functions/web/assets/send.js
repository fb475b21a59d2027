// Wrapping a packet: checked as it is typed, by the very call that sending starts with. `wrap` writes nothing, so the
// balance and the limits shown are the application's own, and nothing here repeats its rules.

import { persist } from './api.js';
import { dialog, toast } from './dialog.js';
import { el, put, write } from './dom.js';
import { bodyOf, draftOf, forget } from './draft.js';
import { choice, fieldset } from './fields.js';
import { yuan } from './money.js';
import { DEMO_USERS, face, nameOf } from './people.js';
import { now, zone } from './time.js';
import { explain, span, t, waiting } from './words.js';

const COVERS = { classic: '福', koi: '🐟', dragon: '🐉', peony: '🌸', lantern: '🏮', zodiac: '🐴' };
const GREETING_MAX = 200;
const STARTS_S = [10, 60, 600];
const LIVES_S = [60, 3600, 86_400];
/** The form's fields, by the fields and limits that refusals name. */
const FIELDS = {
  total_fen: 'amount',
  count: 'count',
  to: 'to',
  'to.user': 'to',
  greeting: 'greeting',
  password: 'password',
  starts_at_ms: 'when',
  limit_count: 'count',
  limit_count_company: 'count',
  limit_share_average_fen: 'amount',
  limit_daily_send_fen: 'amount',
};

/** The form. `people` are known here; `onSent` gets the packet as the list will show it. */
export function sendForm(session, people, onSent) {
  const typed = draftOf(session);
  const known = new Set([...people, ...DEMO_USERS]);
  const length = el('small', { id: 'greeting-length' });
  const { field, input, say, clear } = fieldset(typed, () => changed());
  const choose = (name, options, label) => choice(typed, name, options, label, () => changed());
  const total = el('p.total', { 'aria-live': 'polite' });
  const verdict = el('p.verdict', { role: 'status' });
  const pay = el('button.primary.big', t('pay'));
  const amountLabel = el('label', { for: 'amount' });
  const when = input('when', { type: 'datetime-local', step: 1, 'aria-label': t('at') });
  const whenNote = el('small');
  const to = input('to', { placeholder: 'bob', autocapitalize: 'none', spellcheck: 'false' });
  const chips = [...known]
    .filter((user) => user !== session.user)
    .slice(0, 8)
    .map((user) => {
      const onclick = () => {
        to.value = typed.to = user.slice(3);
        changed();
      };
      return el('button.chip', { type: 'button', onclick }, face(user, 'tiny'), el('span', nameOf(user)));
    });
  const label = (id, ...more) => el('label', { for: id }, t(id), more);
  const countField = field('count', label('count'), input('count', { inputmode: 'numeric', placeholder: '1' }));
  const toField = el('div', field('to', label('to'), to), el('div.chips', chips));
  const form = el(
    'form.send',
    { novalidate: true, onsubmit: submit },
    el('h3', t('send')),
    choose(
      'kind',
      ['lucky', 'equal', 'exclusive'].map((kind) => [kind, el('b', t(kind)), el('small', t(`${kind}Hint`))]),
      t('send'),
    ),
    field(
      'amount',
      amountLabel,
      el(
        'span.with-unit',
        input('amount', { inputmode: 'decimal', placeholder: '0.00' }),
        el('span', { 'aria-hidden': 'true' }, '¥'),
      ),
    ),
    countField,
    toField,
    field(
      'greeting',
      label('greeting', length),
      input('greeting', { rows: 2, dir: 'auto', placeholder: t('greetingDefault') }, 'textarea'),
    ),
    el(
      'div.field',
      el('span.label', t('cover')),
      choose(
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
      { open: typed.password !== '' || typed.starts !== 0 },
      el('summary', t('more')),
      field('password', label('password'), input('password', { dir: 'auto' }), el('small', t('passwordHint'))),
      field(
        'when',
        el('span.label', t('when')),
        choose(
          'starts',
          [[0, t('now')], ...STARTS_S.map((s) => [s, t('inTime', { left: span(s * 1000) })]), [-1, t('at')]],
          t('when'),
        ),
        when,
        whenNote,
      ),
      el(
        'div.field',
        el('span.label', t('lives')),
        choose(
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
  const node = dialog('send-dialog', t('send'), t('close'), form, { isPatient: true });
  let [timer, round] = [0, 0];

  function changed() {
    put(amountLabel, t(typed.kind === 'equal' ? 'amountEach' : 'amountTotal'));
    countField.hidden = typed.kind === 'exclusive';
    toField.hidden = typed.kind !== 'exclusive';
    when.hidden = whenNote.hidden = typed.starts !== -1;
    write(whenNote, t('atZone', { zone: zone(new Date(typed.when).getTime() || now()) }));
    write(length, t('characters', { n: [...typed.greeting].length, most: GREETING_MAX }));
    put(total, el('small', '¥'), yuan(bodyOf(typed, session).body?.total_fen ?? 0));
    clear();
    put(verdict);
    round += 1;
    clearTimeout(timer);
    timer = setTimeout(check, 250, round);
  }

  async function check(mine) {
    const { body, problems } = bodyOf(typed, session);
    if (problems) {
      // What is not typed yet is no mistake before it is sent.
      for (const [id, text, isEmpty] of problems) if (!isEmpty) say(id, text);
      return;
    }
    try {
      const quote = await persist(
        () => session.ask('POST', '/v1/wrap', body),
        (refusal) => {
          if (mine === round) put(verdict, explain(refusal));
          return mine === round && node.open;
        },
      );
      if (mine === round) agree(body, quote);
    } catch (refusal) {
      if (mine === round) tell(refusal);
    }
  }

  /** What sending would do. */
  function agree(body, quote) {
    const parts = [
      `${t('balance')} ¥${yuan(quote.balance_fen)}`,
      t('after', { yuan: yuan(quote.balance_fen - quote.total_fen) }),
    ];
    if (body.count > 1) parts.push(t('average', { yuan: yuan(Math.floor(quote.total_fen / quote.count)) }));
    if (body.starts_at_ms) parts.push(t('opensIn', { left: span(body.starts_at_ms - now()) }));
    // Whoever has a token is a user, so a name that nobody here has may be right, and may be a slip.
    const isUnknown = body.to.user && !known.has(body.to.user);
    verdict.classList.toggle('unsure', Boolean(isUnknown));
    put(
      verdict,
      isUnknown && el('b', t('toUnknown', { user: nameOf(body.to.user) })),
      `${isUnknown ? '' : '✓ '}${parts.join(' · ')}`,
    );
  }

  /** A refusal beside its field, or under the form. */
  function tell(refusal) {
    const id = FIELDS[refusal.field] ?? (refusal.code === 'insufficient_balance' ? 'amount' : null);
    if (id) say(id, explain(refusal));
    else put(verdict, explain(refusal));
  }

  async function submit(event) {
    event.preventDefault();
    if (pay.disabled) return;
    const { body, problems } = bodyOf(typed, session);
    clear();
    if (problems) {
      for (const [id, text] of problems) say(id, text);
      form.querySelector(`#${problems[0][0]}`).focus();
      return;
    }
    clearTimeout(timer);
    round += 1;
    pay.disabled = true;
    put(pay, t('paying'));
    const waits = (refusal, ms) => {
      put(verdict, waiting(refusal, ms));
      return node.open;
    };
    try {
      const sent = await sendOnce(body, waits);
      forget(session);
      node.close();
      toast(t('sent'));
      onSent(listed(body, sent));
    } catch (refusal) {
      tell(refusal);
      put(pay, t('pay'));
      pay.disabled = false;
    }
  }

  /**
   * Wraps and sends. The quote is the packet's identity: sent again, it is the same packet, after a lost answer and
   * also after the form was closed before there was one.
   */
  async function sendOnce(body, waits) {
    const send = (quote) => persist(() => session.ask('POST', '/v1/send', { quote }), waits);
    const mark = JSON.stringify({ ...typed, asked: null });
    if (typed.asked?.mark === mark) {
      try {
        return await send(typed.asked.quote);
      } catch (refusal) {
        if (refusal.code !== 'quote_expired') throw refusal;
      }
    }
    const { quote } = await persist(() => session.ask('POST', '/v1/wrap', body), waits);
    typed.asked = { quote, mark };
    return send(quote);
  }

  /** The packet as the list of the group will show it. */
  function listed(body, sent) {
    const at = now();
    return {
      ...body,
      packet_id: sent.packet_id,
      sender: session.user,
      has_password: Boolean(body.password),
      state: sent.state,
      settled: 0,
      my_amount_fen: null,
      created_at_ms: at,
      starts_at_ms: body.starts_at_ms ?? at,
      expires_at_ms: sent.expires_at_ms,
      ...(body.to.group && { to: undefined }),
    };
  }

  changed();
  form.querySelector('#amount').focus();
}
