// Amounts are whole fen everywhere; yuan exist only as text.

/** `123456` → `1,234.56`. */
export function yuan(fen) {
  const sign = fen < 0 ? '-' : '';
  const whole = Math.floor(Math.abs(fen) / 100)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
  return `${sign}${whole}.${String(Math.abs(fen) % 100).padStart(2, '0')}`;
}

/** `12.3` → `1230`; `null` for what is no amount. */
export function fenOf(text) {
  const found = /^\s*(\d{1,13})(?:[.。](\d{1,2}))?\s*$/.exec(text.replaceAll(',', ''));
  return found ? Number(found[1]) * 100 + Number((found[2] ?? '').padEnd(2, '0')) : null;
}
