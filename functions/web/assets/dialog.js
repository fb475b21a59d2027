// What lies above the page: dialogs, the connection's state, and notes that go by themselves.

import { el } from './dom.js';

// iOS before 15.4 has no dialogs.
const isNative = 'showModal' in (window.HTMLDialogElement?.prototype ?? {});
const opened = [];
let dialogs = 0;
// While a dialog is open the history has an entry for it, so that Back closes it and not the view under it.
let isGoingBack = false;

const enter = () => history.pushState({ isDialog: true }, '');
if (history.state?.isDialog) history.replaceState(null, ''); // Reloaded under an open one.

addEventListener('popstate', () => {
  if (!isGoingBack) {
    opened.at(-1)?.close();
    if (opened.length > 0) enter(); // Back is still theirs that lie below.
    return;
  }
  isGoingBack = false;
  if (opened.length > 0) enter();
});

function leave(node) {
  opened.splice(opened.indexOf(node), 1);
  raise();
  node.remove();
  if (opened.length > 0 || !history.state?.isDialog || isGoingBack) return;
  isGoingBack = true;
  history.back();
}

/** Puts what is to be seen whatever happens into the uppermost dialog: the browser shows nothing else above one. */
function raise() {
  const top = opened.at(-1);
  for (const node of document.querySelectorAll('.connection, .toasts')) {
    const home = node.matches('.connection') ? document.querySelector('.shell') : document.body;
    (top ?? home)?.prepend(node);
  }
}

/**
 * A modal dialog with its own "close"; the focus stays inside and goes back to where it was. If what had it was drawn
 * anew meanwhile, whatever stands for the same packet now gets it. A press beside it closes it too, unless
 * `isPatient`.
 */
export function dialog(kind, title, closeText, children, { isPatient = false } = {}) {
  dialogs += 1;
  const opener = document.activeElement;
  const packet = opener?.closest('[data-packet]')?.dataset.packet;
  const id = `dialog-${dialogs}`;
  const close = el('button.close', { type: 'button', 'aria-label': closeText, onclick: () => node.close() }, '×');
  const node = el(`dialog.${kind}`, { 'aria-labelledby': id }, el('h2.unseen', { id }, title), close, children);
  // Both, since a selection that is drawn from the inside to the outside ends beside the dialog as well.
  let isPressedBeside = false;
  node.addEventListener('pointerdown', (event) => {
    isPressedBeside = event.target === node;
  });
  const dismiss = () => !isPatient && node.close();
  node.addEventListener('click', (event) => event.target === node && isPressedBeside && dismiss());
  node.addEventListener('close', () => {
    leave(node);
    if (packet && !opener.isConnected) document.querySelector(`[data-packet="${packet}"] button`)?.focus();
  });
  document.body.append(node);
  if (opened.length === 0 && !isGoingBack) enter();
  opened.push(node);
  if (isNative) node.showModal();
  else showModal(node, opener, dismiss);
  raise();
  return node;
}

/** Closes all that is open. */
export const closeAll = () => [...opened].forEach((node) => node.close());

/** `showModal` where there is none: what is under the dialog cannot be reached, Escape closes it. */
function showModal(node, opener, dismiss) {
  const others = [...document.body.children].filter((other) => other !== node);
  const focusable = 'button:not(:disabled), input, textarea, select, summary, a[href], [tabindex="0"]';
  const ends = () => {
    const all = [...node.querySelectorAll(focusable)].filter((one) => one.offsetParent !== null);
    return [all[0], all[all.length - 1]];
  };
  const onKey = (event) => {
    if (event.key === 'Escape') node.close();
    if (event.key !== 'Tab') return;
    const [first, last] = ends();
    if (document.activeElement !== (event.shiftKey ? first : last)) return;
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  };
  const backdrop = el('div.backdrop', { onclick: dismiss });
  node.open = true;
  node.setAttribute('open', '');
  node.setAttribute('role', 'dialog');
  node.setAttribute('aria-modal', 'true');
  others.forEach((other) => other.setAttribute('aria-hidden', 'true'));
  node.before(backdrop);
  document.addEventListener('keydown', onKey);
  node.close = () => {
    if (!node.open) return;
    node.open = false;
    node.removeAttribute('open');
    backdrop.remove();
    others.forEach((other) => other.removeAttribute('aria-hidden'));
    document.removeEventListener('keydown', onKey);
    node.dispatchEvent(new Event('close'));
    opener?.focus?.();
  };
  ends()[0]?.focus();
}

const SHOWN_MS = 4000;
let [last, timer] = [null, 0];

/**
 * Says something to everybody, screen readers included, for a few seconds: one thing at a time, so that it never
 * hides what is under it for long.
 */
export function toast(text) {
  const shelf = document.querySelector('.toasts') ?? document.body.appendChild(el('div.toasts', { role: 'status' }));
  last?.remove();
  last = el('p', text);
  shelf.append(last);
  raise();
  clearTimeout(timer);
  timer = setTimeout(() => last.remove(), SHOWN_MS);
}
