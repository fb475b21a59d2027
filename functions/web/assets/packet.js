// One packet, opened: the envelope first. `coin.js` is the tap, `details.js` shows what is inside.

import { persist } from './api.js';
import { coin } from './coin.js';
import { details, shareOf } from './details.js';
import { dialog } from './dialog.js';
import { el, put } from './dom.js';
import { envelope } from './envelope.js';
import { yuan } from './money.js';
import { nameOf } from './people.js';
import { explain, t, waiting } from './words.js';

/** Opens the dialog on a packet of the list. `onChange` is called when it is mine, or gone. */
export function openPacket(session, listed, onChange) {
  const stage = el('div.stage');
  const node = dialog('packet-dialog', t('from', { user: nameOf(listed.sender) }), t('close'), stage);
  const say = el('p.say', { role: 'status' });
  let stop = () => {};
  node.addEventListener('close', () => stop());

  const inside = (packet, options) => {
    stop();
    stop = details(stage, session, packet, options);
  };

  async function look() {
    const packet = await persist(
      () => session.ask('GET', `/v1/packets/${listed.packet_id}`),
      (refusal, ms) => {
        put(say, waiting(refusal, ms));
        return node.open && refusal.code !== 'degraded';
      },
    );
    if (!node.open) return;
    const isForOther = packet.to.user && packet.to.user !== session.user;
    if (shareOf(packet, session) || isForOther) inside(packet);
    else if (packet.state === 'finished') tooLate(packet);
    else if (packet.state === 'expired') expired(packet);
    else closed(packet);
  }

  /** It is over, and none of it is mine. */
  function over(packet, title, hint) {
    stop();
    put(
      stage,
      envelope(
        packet,
        el('p.say', { role: 'alert' }, title, el('small', hint)),
        el('button.plain', { type: 'button', onclick: () => inside(packet) }, t('see')),
      ),
    );
    onChange();
  }

  function tooLate(packet) {
    session.rememberGone(packet.packet_id);
    over(packet, t('soldOutTitle'), t('soldOutHint'));
  }

  function expired(packet) {
    const blanks = { yuan: yuan(packet.refunded_fen ?? 0), user: nameOf(packet.sender) };
    over(packet, t('expiredTitle'), t(packet.refunded_fen > 0 ? 'expiredHint' : 'expiredWaiting', blanks));
  }

  function closed(packet) {
    stop = coin(stage, session, packet, {
      isOpen: () => node.open,
      onShare: onChange,
      onEnd: inside,
      onOver: (now, code) => (code === 'expired' ? expired(now) : tooLate(now)),
    });
  }

  put(stage, envelope(listed, say));
  look().catch((refusal) => {
    if (!node.open) return;
    // Details are given up first under load; a share can still be had.
    if (refusal.code === 'degraded') closed({ to: { group: session.group }, ...listed });
    else put(say, explain(refusal));
  });
}
