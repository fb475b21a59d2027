// Who is using this window. Another window can be somebody else: nothing here outlives or leaves the window.

import { api } from './api.js';
import { ofWindow } from './storage.js';

const KEPT = 'hongbao.session';
/** The most packets of which something is remembered. */
const KEPT_MAX = 200;

/** Somebody with a token, in a group. */
export class Session {
  constructor({ user, group, token, opened = [], gone = [] }) {
    Object.assign(this, { user, group, token, opened, gone: new Set(gone) });
    this.ask = api(token);
  }

  /** Logs in for trying things out. */
  static async login(user, group) {
    const { token } = await api()('POST', '/v1/dev/login', { user, groups: [group] });
    const session = new Session({ user, group, token });
    session.keep();
    return session;
  }

  /** Whoever used this window before it was reloaded. */
  static kept() {
    try {
      const kept = JSON.parse(ofWindow.get(KEPT));
      return kept && new Session(kept);
    } catch {
      return null;
    }
  }

  keep() {
    const { user, group, token, opened, gone } = this;
    ofWindow.set(KEPT, JSON.stringify({ user, group, token, opened, gone: [...gone] }));
  }

  end() {
    ofWindow.remove(KEPT);
  }

  /** Remembers a share that was shown: it is mine at once, and in the wallet a moment later. */
  remember(packet, amountFen, atMs) {
    if (this.opened.some((one) => one.packet === packet)) return;
    this.opened = [{ packet, amountFen, atMs }, ...this.opened].slice(0, KEPT_MAX);
    this.keep();
  }

  /** Remembers that nothing is left of a packet, which the list of packets learns only when all is settled. */
  rememberGone(packet) {
    this.gone = new Set([...this.gone, packet].slice(-KEPT_MAX));
    this.keep();
  }

  /** What I got of a packet, as far as this window saw it. */
  amountOf(packet) {
    return this.opened.find((one) => one.packet === packet)?.amountFen ?? null;
  }

  /**
   * The shares that are shown and not yet in the balance, given `GET /v1/me`; `null` while the application cannot say
   * up to when the balance is settled.
   */
  arriving(me) {
    return (me.settled_through_ms ?? null) === null
      ? null
      : this.opened.filter((one) => one.atMs >= me.settled_through_ms);
  }
}
