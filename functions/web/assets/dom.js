// Elements from code. Text is always text: nothing here reads markup, so a greeting cannot become any.

const SVG = 'http://www.w3.org/2000/svg';

/** `el('button.gold', {onclick}, 'text', child)`: classes follow the tag's name, functions become listeners. */
export function el(name, ...rest) {
  return fill(document.createElement(name.split('.')[0]), name, rest);
}

/** The same for a drawing. */
export function svg(name, ...rest) {
  return fill(document.createElementNS(SVG, name.split('.')[0]), name, rest);
}

function fill(node, name, rest) {
  for (const found of name.split('.').slice(1)) node.classList.add(found);
  const isProperties = rest[0] && rest[0].constructor === Object;
  const properties = isProperties ? rest.shift() : {};
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key.startsWith('aria-')) node.setAttribute(key, value);
    else if (value === false) continue;
    else if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key === 'value') node.value = value;
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...rest.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Puts `children` in place of what a node holds. */
export function put(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter(Boolean));
  return node;
}

/** Whether the person asked for little movement. */
export const isCalm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

let dialogs = 0;

/**
 * A modal dialog with its own "close"; the browser keeps the focus inside and gives it back. If what had it was drawn
 * anew meanwhile, whatever stands for the same packet now gets it.
 */
export function dialog(kind, title, closeText, ...children) {
  dialogs += 1;
  const opener = document.activeElement;
  const packet = opener?.closest('[data-packet]')?.dataset.packet;
  const id = `dialog-${dialogs}`;
  const close = el('button.close', { type: 'button', 'aria-label': closeText, onclick: () => node.close() }, '×');
  const node = el(`dialog.${kind}`, { 'aria-labelledby': id }, el('h2.unseen', { id }, title), children, close);
  node.addEventListener('click', (event) => event.target === node && node.close());
  node.addEventListener('close', () => {
    node.remove();
    if (packet && !opener.isConnected) document.querySelector(`[data-packet="${packet}"] button`)?.focus();
  });
  document.body.append(node);
  node.showModal();
  return node;
}

/** Says something to everybody, screen readers included, for a few seconds. */
export function toast(text) {
  const shelf = document.querySelector('.toasts') ?? document.body.appendChild(el('div.toasts', { role: 'status' }));
  const note = el('p', text);
  // A dialog is above everything else on the page but what it holds.
  (document.querySelector('dialog[open]') ?? document.body).append(shelf);
  shelf.append(note);
  setTimeout(() => note.remove(), 4000);
}
