// Amounts are whole fen everywhere; yuan exist only as text.

/** `123456` → `1,234.56`. */
export function yuan(fen) {
  const sign = fen < 0 ? '-' : '';
  const whole = Math.floor(Math.abs(fen) / 100)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
  return `${sign}${whole}.${String(Math.abs(fen) % 100).padStart(2, '0')}`;
}

/**
 * What a Chinese keyboard writes in its own width, as everybody else's writes it; without the marks that nobody sees and
 * that come along when an amount is copied.
 */
export const plain = (text) =>
  text
    .replace(/\p{Cf}/gu, '')
    .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/\uffe5/g, '¥')
    .replace(/[。｡]/g, '.')
    .trim();

// Commas group three digits, or else one of them stands before the last one or two: `1,50` is one yuan fifty. What
// could be read in two ways (`1,234,5`, `0,500`) is no amount.
const AMOUNT = /^¥?\s*(?:(\d{1,13}|[1-9]\d{0,2}(?:,\d{3}){1,4})(?:\.(\d{0,2}))?|(\d{0,13})[.,](\d{1,2}))\s*元?$/;

/** `12.3` and `12,3` → `1230`, `1,234` → `123400`; `null` for what is no amount. */
export function fenOf(text) {
  const found = AMOUNT.exec(plain(text));
  if (!found) return null;
  const [, grouped, cents, whole, decimals] = found;
  return Number((grouped ?? whole).replace(/,/g, '')) * 100 + Number((cents ?? decimals ?? '').padEnd(2, '0'));
}

/** `12` and `１２` → `12`; `null` for what is no whole number. */
export function wholeOf(text) {
  const digits = plain(text);
  return /^\d{1,9}$/.test(digits) ? Number(digits) : null;
}
