// One way to ask the application, one way to keep asking.

import { hear } from './time.js';

const LIMIT_MS = 10_000;

/** What the application said, or that nobody answered (`code` is then `offline`). */
export class Refusal extends Error {
  constructor(status, error) {
    super(error.message);
    Object.assign(this, { status, code: error.code, field: error.field, retryAfterMs: error.retry_after_ms });
  }

  /** Whether the same request may be granted a little later. */
  get passes() {
    return ['offline', 'unavailable', 'degraded', 'rate_limited'].includes(this.code);
  }
}

/** The caller with a token. The token is a header and never part of an address. */
export const api = (token) => async (method, path, body) => {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  const request = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
  const [answer, text] = await within(LIMIT_MS, async (signal) => {
    const askedAt = performance.now();
    const answered = await fetch(path, { ...request, signal });
    hear(answered.headers.get('date'), askedAt);
    return [answered, await answered.text()];
  });
  const type = answer.headers.get('content-type') ?? '';
  let said = null;
  try {
    // A page is not the application's answer, but that of something between: a hotel's network asks for a login.
    if (!type.startsWith('text/html')) said = type.startsWith('application/json') ? JSON.parse(text) : text;
  } catch {
    // Cut off, or none.
  }
  if (answer.ok && said !== null) return said;
  throw new Refusal(answer.status, said?.error ?? { code: 'unavailable', message: `HTTP ${answer.status}` });
};

/** What `work` answers, given a signal that ends it after `ms`. Whatever fails in it is the network. */
async function within(ms, work) {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), ms);
  try {
    return await work(control.signal);
  } catch {
    throw new Refusal(0, { code: 'offline', message: 'no answer' });
  } finally {
    clearTimeout(timer);
  }
}

/** How long to wait before the attempt after `failures` failed ones: doubled each time, scattered, as told at least. */
export function backoff(failures, toldMs = 0, mostMs = 15_000) {
  const own = Math.min(mostMs, 500 * 2 ** Math.min(failures, 10));
  return Math.max(toldMs ?? 0, own * (0.75 + Math.random() / 2));
}

/** Waits; the network's return ends it early. */
export const pause = (ms) =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener('online', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    addEventListener('online', end);
  });

/**
 * Tries `work` again while it is refused for the moment only. `onWait(refusal, ms)` may answer `false` to give up,
 * before the wait and after it.
 */
export async function persist(work, onWait) {
  for (let failures = 0; ; failures += 1) {
    try {
      return await work();
    } catch (refusal) {
      const ms = backoff(failures, refusal.retryAfterMs);
      if (!refusal.passes || onWait(refusal, ms) === false) throw refusal;
      await pause(ms);
      if (onWait(refusal, 0) === false) throw refusal;
    }
  }
}

/**
 * Asks again and again: `ask` answers whether something was new. Quickly while there is news, slower while there is
 * none, with doubled pauses while it fails, and not at all while nobody looks. Answers `{stop, now}`.
 */
export function poll(ask, { everyMs = 1200, idleMs = 5000, onState = () => {} } = {}) {
  let [stopped, failures, quiet, timer, running, again] = [false, 0, 0, 0, false, false];
  const round = async () => {
    clearTimeout(timer);
    if (stopped || document.hidden) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    again = false;
    let wait;
    try {
      quiet = (await ask()) ? 0 : quiet + 1;
      failures = 0;
      wait = Math.min(idleMs, everyMs * (1 + quiet / 8));
      if (!stopped) onState({ ok: true });
    } catch (refusal) {
      failures += 1;
      wait = backoff(failures, refusal.retryAfterMs);
      if (!stopped) onState({ ok: false, refusal, ms: wait });
    }
    running = false;
    if (!stopped) timer = setTimeout(round, again ? 0 : wait);
  };
  const wake = () => {
    quiet = 0;
    round();
  };
  document.addEventListener('visibilitychange', wake);
  addEventListener('online', wake);
  round();
  const stop = () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', wake);
    removeEventListener('online', wake);
  };
  return { stop, now: wake };
}
