// What is wider than the window, or than what it stands in and is cut off by: a line each. Decoration that assistive
// technology does not see may be; text that ends in an ellipsis says so.
const width = document.documentElement.clientWidth;
const found = new Set();
const style = (node) => getComputedStyle(node);
const name = (node) => `${node.tagName.toLowerCase()}${[...node.classList].map((one) => `.${one}`).join('')}`;
const isShortened = (node) => style(node).textOverflow === 'ellipsis' || style(node).webkitLineClamp !== 'none';

function check(box, parent, what) {
  const parents = [];
  for (let node = parent; node && node !== document.body; node = node.parentElement) parents.push(node);
  if (box.width === 0 || parents.some(isShortened)) return;
  const place = `${what} from ${Math.round(box.left)} to ${Math.round(box.right)}`;
  if (box.left < -0.5 || box.right > width + 0.5) found.add(`${place} in a window of ${width}`);
  for (const node of parents) {
    const isEdge = style(node).display !== 'inline' && (node === parent || style(node).overflowX !== 'visible');
    const edge = node.getBoundingClientRect();
    if (!isEdge || (box.left >= edge.left - 1 && box.right <= edge.right + 1)) continue;
    found.add(`${place} in ${name(node)} from ${Math.round(edge.left)} to ${Math.round(edge.right)}`);
    return;
  }
}

const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode;
  const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
  if (element.closest('[aria-hidden="true"], .unseen, noscript, svg') || element.getClientRects().length === 0) continue;
  if (element === node) {
    check(node.getBoundingClientRect(), node.parentElement, name(node));
    continue;
  }
  const range = document.createRange();
  range.selectNodeContents(node);
  for (const box of range.getClientRects()) check(box, element, `“${node.data.slice(0, 40)}”`);
}
if (document.scrollingElement.scrollWidth > width) found.add(`the page is ${document.scrollingElement.scrollWidth} wide`);
return [...found];
