// What is told of a refusal: what happened, and what to do.

import { yuan } from './money.js';

export const REFUSALS = {
  e_offline: [
    '没有网络，请检查后再试。钱不会丢，也不会多扣。',
    'No network: check it and try again. Nothing is lost or paid twice.',
  ],
  e_invalid_request: ['这里填得不对，请改一下。', 'This is not valid: please correct it.'],
  e_invalid_quote: ['报价无效，请重新填写。', 'The quote is not valid: fill in the form again.'],
  e_quote_expired: ['等太久了，请再点一次。', 'That took over five minutes: press again.'],
  e_invalid_voucher: ['凭证无效，请再抢一次。', 'The voucher is not valid: grab again.'],
  e_unauthenticated: ['登录过期了，请重新选择身份。', 'Your login has ended: choose who you are again.'],
  e_not_found: ['找不到，或者不是给你看的。', 'It is not there, or not for you.'],
  e_insufficient_balance: ['余额不够，请减少金额。', 'Your wallet holds less than that: lower the amount.'],
  e_wrong_password: ['口令不对，再想想。', 'That is not the password: try another.'],
  e_risk_denied: [
    '安全规则拒绝了这次操作，请稍后再试或联系客服。',
    'A safety rule refused: wait a while, or ask an operator.',
  ],
  e_blocked: ['账号被冻结，请联系客服。', 'This account is blocked: ask an operator.'],
  e_sold_out: ['手慢了，红包派完了。', 'Every share has been grabbed.'],
  e_expired: ['红包已过期。', 'This packet has expired.'],
  e_not_grabbed: ['请先抢一份。', 'Grab a share first.'],
  e_conflict: ['内容和上次不同，请刷新后再试。', 'This differs from before: reload and try again.'],
  e_contested: ['这一份有争议，已交给客服处理。', 'Somebody else has this share: an operator decides.'],
  e_limit_exceeded: ['超过限额：{limit}', 'Over the limit: {limit}'],
  e_not_started: ['还没到时间。', 'It has not started yet.'],
  e_rate_limited: ['太快了，请 {left} 后再试。', 'Too often: try again in {left}.'],
  e_unavailable: ['系统忙，稍后自动再试。钱不会丢。', 'In a moment: trying again. Nothing is lost.'],
  e_degraded: ['人太多，这个功能暂停一会儿。', 'Paused under load: try again in a moment.'],
  e_other: ['出错了（{code}），请稍后再试。', 'Something went wrong ({code}): try again later.'],
  // What a field has to be, by how the application says it.
  b_characters: ['要有 {0} 到 {1} 个看得见的字。', 'It needs {0} to {1} characters that can be seen.'],
  b_invisible: ['有看不见的字符，请删掉。', 'It holds characters that cannot be seen: remove them.'],
  b_fen_each: ['每个至少 ¥0.01。', 'At least ¥0.01 a share.'],
  b_days: ['请选现在到 {0} 天以内的时间。', 'Choose a time from now to {0} days ahead.'],
  b_numbers: ['要在 {0} 到 {1} 之间。', 'It has to be from {0} to {1}.'],
  b_name: ['名字只能有字母、数字、_ 和 -，最多 60 个。', 'A name has letters, digits, _ and - only, at most 60.'],
  limit_share_average_fen: ['平均每个最多 ¥{bound}', '¥{bound} a share on average'],
  limit_count: ['最多 {bound} 个', '{bound} shares'],
  limit_count_company: ['最多 {bound} 个', '{bound} shares'],
  limit_daily_send_fen: ['每天最多发 ¥{bound}', '¥{bound} a day'],
  limit_daily_send_count: ['每天最多发 {bound} 个', '{bound} packets a day'],
};

/** The application's words for a bound, which are English, and which text says the same. */
const BOUNDS = [
  [/us_|A-Z a-z/, 'b_name'],
  [/(\d+) to (\d+) characters/, 'b_characters'],
  [/control characters|U\+/, 'b_invisible'],
  [/another person/, 'toMe'],
  [/one fen a share/, 'b_fen_each'],
  [/to (\d+) days ahead/, 'b_days'],
  [/from (\d+) to (\d+)/, 'b_numbers'],
];

/** The key of the text that explains a refusal, and what goes into its blanks. */
export function textOf({ code = 'page', field, message = '' }) {
  const [, bound] = /at most (\d+)/.exec(message) ?? [];
  if (code === 'limit_exceeded' && bound && `${field}` in REFUSALS) {
    return [field, { bound: field.endsWith('_fen') ? yuan(Number(bound)) : bound }];
  }
  if (code === 'invalid_request') {
    for (const [pattern, key] of BOUNDS) {
      const found = pattern.exec(message);
      const shown = (bound) => (field?.endsWith('_fen') ? `¥${yuan(Number(bound))}` : bound);
      if (found) return [key, { ...found.slice(1).map(shown) }];
    }
  }
  return [`e_${code}` in REFUSALS ? `e_${code}` : 'e_other', { code }];
}
