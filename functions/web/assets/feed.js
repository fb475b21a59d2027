// A list that grows at its newest end, as far as it was read: without a hole. What is read after a while away reaches
// down to what is there already; where that would take too long, what is there is dropped, to be read again when
// somebody asks for older ones.

/** The most pages that are read at once to reach what is there. */
const PAGES_MAX = 8;

export class Feed {
  /** `read(before)` answers a page, newest first: `{entries, next}`; `keyOf` tells entries apart. */
  constructor(read, keyOf) {
    // By key, newest first.
    Object.assign(this, { read, keyOf, entries: new Map(), next: null, isRead: false });
  }

  /** Reads what is new; answers the entries that came since the last time. */
  async refresh() {
    const isKnown = (entry) => this.entries.has(this.keyOf(entry));
    const fresh = [];
    let [next, meets] = [null, false];
    for (let pages = 0; pages < PAGES_MAX && !meets; pages += 1) {
      const page = await this.read(next);
      fresh.push(...page.entries);
      next = page.next ?? null;
      meets = !this.isRead || next === null || page.entries.some(isKnown);
    }
    const news = this.isRead ? fresh.filter((entry) => !isKnown(entry)) : [];
    const isJoined = fresh.some(isKnown);
    const old = isJoined ? [...this.entries.values()] : [];
    if (!isJoined) this.next = next;
    this.entries = new Map();
    this.add([...fresh, ...old]);
    this.isRead = true;
    return news;
  }

  /** Reads the page before the oldest. */
  async older() {
    const before = this.next;
    const page = await this.read(before);
    if (this.next !== before) return; // The list was dropped meanwhile.
    this.add(page.entries);
    this.next = page.next ?? null;
  }

  /** Appends those that are not there. */
  add(entries) {
    for (const entry of entries) {
      const key = this.keyOf(entry);
      if (!this.entries.has(key)) this.entries.set(key, entry);
    }
  }

  /** The moment down to which nothing is missing, given the moment of an entry. */
  since(momentOf) {
    if (this.next === null) return -Infinity;
    return Math.min(...[...this.entries.values()].map(momentOf));
  }
}
