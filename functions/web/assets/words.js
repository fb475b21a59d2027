// Every text of the people's page, Chinese and English side by side.

const WORDS = {
  title: ['红包', 'Hongbao'],
  slogan: ['一分不少，谁都可查', 'Not a cent lost, and anyone can check'],
  who: ['你是谁？', 'Who are you?'],
  whoHint: [
    '试用环境：选一个身份，首次登录送 ¥1,000',
    'A place to try things: pick anybody. The first login brings ¥1,000',
  ],
  otherName: ['或者用自己的名字', 'Or a name of your own'],
  nameHint: ['字母、数字、_ 和 -', 'letters, digits, _ and -'],
  group: ['群', 'Group'],
  enter: ['进群', 'Enter'],
  loginOff: [
    '这里没有开放试用登录（dev_login）。请从你的应用里打开红包。',
    'There is no trial login here (dev_login is off). Open your packets from your own app.',
  ],
  leave: ['换个身份', 'Be somebody else'],
  language: ['English', '中文'],
  chat: ['聊天', 'Chat'],
  wallet: ['钱包', 'Wallet'],
  mine: ['我的红包', 'My packets'],
  members: ['{group} 群', 'Group {group}'],
  emptyChat: ['还没有红包。发第一个吧！', 'No packets yet. Send the first one!'],
  older: ['更早的', 'Older'],
  send: ['发红包', 'Send a packet'],
  greetingDefault: ['恭喜发财，大吉大利', 'Wishing you joy and prosperity'],
  lucky: ['拼手气红包', 'Lucky draw'],
  equal: ['普通红包', 'Equal shares'],
  exclusive: ['专属红包', 'For one person'],
  luckyHint: ['每人金额随机', 'random shares'],
  equalHint: ['每人一样多', 'the same for each'],
  exclusiveHint: ['只有 TA 能领', 'only they can open it'],
  take: ['领取红包', 'Tap to open'],
  taken: ['已领取 ¥{yuan}', 'You got ¥{yuan}'],
  arrivingHere: ['领到 ¥{yuan}', 'You got ¥{yuan}'],
  soldOut: ['已被领完', 'All gone'],
  expired: ['已过期', 'Expired'],
  opensIn: ['{left} 后开抢', 'Opens in {left}'],
  forYou: ['给你的专属红包', 'Just for you'],
  forUser: ['给 {user}', 'For {user}'],
  sealed: ['口令', 'Password'],
  of: ['{opened}/{count} 个', '{opened} of {count}'],
  from: ['{user} 的红包', 'From {user}'],
  open: ['開', 'OPEN'],
  openLabel: ['拆开 {user} 的红包', 'Open the packet from {user}'],
  password: ['口令', 'Password'],
  passwordAsk: ['输入口令才能拆', 'It opens with a password'],
  moment: ['稍等，马上再试（{left}）', 'In a moment: trying again ({left})'],
  momentWhy: ['人太多了，钱不会丢', 'It is busy; nothing is lost'],
  offlineWhy: ['网络断了，恢复后自动继续', 'No network; this goes on by itself when it is back'],
  soldOutTitle: ['手慢了，红包派完了', 'Too late: every share has been grabbed'],
  soldOutHint: ['下次早点来', 'Be quicker next time'],
  expiredTitle: ['红包已过期', 'This packet has expired'],
  expiredHint: ['没领完的 ¥{yuan} 已退回给 {user}', '¥{yuan} that nobody opened went back to {user}'],
  expiredWaiting: ['没领完的正在退回给 {user}', 'What nobody opened is on its way back to {user}'],

  see: ['看看大家的手气', 'See who got what'],
  got: ['你领到了', 'You got'],
  inWallet: ['已存入钱包', 'In your wallet'],
  arriving: ['正在到账', 'Arriving'],
  progress: ['已领取 {opened}/{count} 个，共 ¥{some}/¥{total}', '{opened} of {count} opened, ¥{some} of ¥{total}'],
  progressShort: ['已领取 {opened}/{count} 个，共 ¥{total}', '{opened} of {count} opened, ¥{total} in all'],
  hidden: ['拆开后才能看到大家的手气', 'Open yours to see what the others got'],
  best: ['手气最佳', 'Best luck'],
  you: ['我', 'you'],
  finishedIn: ['{left} 抢光', 'Gone in {left}'],
  refunded: ['已退回 ¥{yuan}', '¥{yuan} went back'],
  verify: ['验证公平', 'Verify that it was fair'],
  verifyAgain: ['在你的手机上重新计算，不问服务器', 'Computed again on your device; the server is not asked'],
  verifySeed: ['种子已公开', 'The seed is published'],
  verifyCommitment: [
    'SHA-256("hongbao/1" ‖ 红包号 ‖ 种子) 与发红包时的承诺一致',
    'SHA-256("hongbao/1" ‖ id ‖ seed) is the commitment made when it was sent',
  ],
  verifySum: ['{count} 份加起来正好 ¥{yuan}', 'The {count} shares sum to exactly ¥{yuan}'],
  verifyShares: ['{checked} 份已拆的金额都与种子算出的相同', 'All {checked} opened shares are what the seed gives'],
  verifyBad: ['不一致！', 'This does not match!'],
  verified: ['公平：全部一致', 'Fair: everything matches'],
  unfair: ['有不一致，请联系客服', 'Something does not match: tell an operator'],
  seq: ['第 {n} 份', 'No. {n}'],
  range: ['可能 ¥{low}–{high}', '¥{low}–{high} possible'],
  noOne: ['没人领', 'nobody'],
  luck: ['你的手气如何？', 'How lucky was that?'],
  luckText: [
    '第 {n} 个来抢，模拟 {rounds} 次：你超过了 {percent}% 的可能',
    'As No. {n}, over {rounds} simulated packets: better than {percent}% of what could have been',
  ],
  luckPicture: ['第 {n} 份金额的分布，你的在 ¥{yuan}', 'Distribution of share No. {n}; yours is at ¥{yuan}'],
  amountTotal: ['总金额', 'Total'],
  amountEach: ['单个金额', 'Each'],
  count: ['个数', 'Shares'],
  to: ['给谁', 'For whom'],
  greeting: ['祝福语', 'Greeting'],
  cover: ['封面', 'Cover'],
  more: ['口令、定时、有效期', 'Password, start, expiry'],
  passwordHint: ['答对口令的人才能抢（可不填）', 'Only who knows it can grab (may be empty)'],
  when: ['什么时候开抢', 'When it opens'],
  now: ['马上', 'At once'],
  inTime: ['{left} 后', 'In {left}'],
  at: ['指定时间', 'At a time'],
  lives: ['有效期', 'Valid for'],
  pay: ['塞钱进红包', 'Put money in'],
  paying: ['正在发…', 'Sending…'],
  sent: ['红包已发出', 'Sent'],
  balance: ['余额', 'Balance'],
  after: ['发后余额 ¥{yuan}', '¥{yuan} left afterwards'],
  average: ['平均每个 ¥{yuan}', '¥{yuan} each on average'],
  checkAmount: ['请填金额，例如 8.88', 'Enter an amount such as 8.88'],
  checkCount: ['请填个数', 'Enter how many shares'],
  checkTo: ['请填对方的名字', 'Enter whom it is for'],
  checkWhen: ['请填将来的时间', 'Enter a time to come'],
  settledHint: ['已入账', 'Settled'],
  arrivingHint: ['{n} 笔正在到账', '{n} arriving'],
  noneArriving: ['没有在途的钱', 'nothing on the way'],
  statement: ['明细', 'Statement'],
  noPostings: ['还没有明细', 'Nothing yet'],
  nextPage: ['更多', 'More'],
  deposit: ['充值', 'Deposit'],
  fund: ['发出红包', 'Packet sent'],
  share: ['领到红包', 'Share opened'],
  refund: ['红包退回', 'Refund'],
  compensation: ['补偿', 'Compensation'],
  other: ['其他', 'Other'],
  received: ['我收到的', 'Received'],
  sentTab: ['我发出的', 'Sent'],
  year: ['年份', 'Year'],
  totalReceived: ['{year} 年共收到', 'Received in {year}'],
  totalSent: ['{year} 年共发出', 'Sent in {year}'],
  packets: ['{n} 个红包', '{n} packets'],
  bests: ['{n} 次手气最佳', 'best luck {n} times'],
  chart: ['每月金额', 'By month'],
  noPackets: ['这一年还没有红包', 'No packets in this year'],
  back: ['退回 ¥{yuan}', '¥{yuan} back'],
  connection: ['连接中断，{left} 后重试。钱不会丢。', 'Connection lost; next try in {left}. Nothing is lost.'],
  busy: ['人很多，{left} 后再看', 'Busy; next look in {left}'],
  close: ['关闭', 'Close'],
  seconds: ['{n} 秒', '{n} s'],
  minutes: ['{n} 分钟', '{n} min'],
  hours: ['{n} 小时', '{n} h'],
  days: ['{n} 天', '{n} d'],
  console: ['运营台', 'Console'],
  docs: ['接口文档', 'API'],
  characters: ['{n}/{most}', '{n}/{most}'],
  news: ['{user} 发来一个红包', '{user} sent a packet'],
  // Refusals: what happened, and what to do.
  e_offline: [
    '没有网络，请检查后再试。钱不会丢，也不会多扣。',
    'No network: check it and try again. Nothing is lost or paid twice.',
  ],
  e_invalid_request: ['这里不对：{message}', 'Please correct: {message}'],
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
  e_rate_limited: ['太快了，请慢一点。', 'Too fast: slow down a little.'],
  e_unavailable: ['系统忙，稍后自动再试。钱不会丢。', 'In a moment: trying again. Nothing is lost.'],
  e_degraded: ['人太多，这个功能暂停一会儿。', 'Paused under load: try again in a moment.'],
  e_other: ['出错了（{message}），请稍后再试。', 'Something went wrong ({message}): try again later.'],
  limit_share_average_fen: ['平均每个最多 ¥{bound}', '¥{bound} a share on average'],
  limit_count: ['最多 {bound} 个', '{bound} shares'],
  limit_count_company: ['最多 {bound} 个', '{bound} shares'],
  limit_daily_send_fen: ['每天最多发 ¥{bound}', '¥{bound} a day'],
  limit_daily_send_count: ['每天最多发 {bound} 个', '{bound} packets a day'],
};

const KEPT = 'hongbao.language';
const wanted = localStorage.getItem(KEPT) ?? (navigator.language.startsWith('zh') ? 'zh' : 'en');
let column = wanted === 'zh' ? 0 : 1;

/** `zh-CN` or `en`. */
export const language = () => (column === 0 ? 'zh-CN' : 'en');

/** Turns to the other language and remembers it. */
export function turnLanguage() {
  column = 1 - column;
  localStorage.setItem(KEPT, column === 0 ? 'zh' : 'en');
  document.documentElement.lang = language();
}
document.documentElement.lang = language();

/** The text `key` with its blanks filled. */
export function t(key, blanks = {}) {
  return (WORDS[key] ?? WORDS.e_other)[column].replace(/\{(\w+)\}/g, (_, name) => String(blanks[name] ?? ''));
}

/** A length of time, in its largest unit that says enough. */
export function span(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 100) return t('seconds', { n: seconds });
  if (seconds < 6000) return t('minutes', { n: Math.round(seconds / 60) });
  return seconds < 172_800
    ? t('hours', { n: Math.round(seconds / 3600) })
    : t('days', { n: Math.round(seconds / 86_400) });
}

/** What happened and what to do, for a refusal. */
export function explain(refusal) {
  const [, limit, bound] = /^(limit_\w+) must be at most (\d+)/.exec(refusal.message) ?? [];
  if (refusal.code === 'limit_exceeded' && limit && `${limit}` in WORDS) {
    const shown = limit.endsWith('_fen') ? Number(bound) / 100 : bound;
    return t('e_limit_exceeded', { limit: t(limit, { bound: shown }) });
  }
  const key = `e_${refusal.code}` in WORDS ? `e_${refusal.code}` : 'e_other';
  return t(key, { message: refusal.message, limit: refusal.message });
}

const ZONE = { timeZone: 'Asia/Shanghai' };

/** `20:15`, or with the day when it is another one. */
export function clock(ms) {
  const [day, today] = [ms, Date.now()].map((at) => new Date(at).toLocaleDateString('sv', ZONE));
  const time = new Date(ms).toLocaleTimeString('sv', ZONE).slice(0, 5);
  return day === today ? time : `${day.slice(5)} ${time}`;
}
