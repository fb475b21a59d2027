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

/** Writes a node's text, and leaves the node alone when it says that already: what is drawn anew flickers. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Makes a list's children those of `entries`, in their order. `keyOf` tells all that is shown of one: a child with the
 * same key stays as it is. Answers the children that were made.
 */
export function keep(list, entries, keyOf, make) {
  const there = new Map([...list.children].map((node) => [node.dataset.key, node]));
  const made = [];
  let place = list.firstElementChild;
  for (const entry of entries) {
    const key = keyOf(entry);
    let node = there.get(key);
    there.delete(key);
    if (!node) {
      node = make(entry);
      node.dataset.key = key;
      made.push(node);
    }
    if (node === place) place = place.nextElementSibling;
    else list.insertBefore(node, place);
  }
  there.forEach((node) => node.remove());
  return made;
}
