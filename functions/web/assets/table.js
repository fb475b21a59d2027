// Tables that fit: in a narrow window each row is a list of its cells, and each cell carries its head.

import { el } from './dom.js';

/** A row; a cell is text, a node, or its own `td`. */
export const row = (heads, cells) =>
  el(
    'tr',
    { role: 'row' },
    cells.map((cell, place) => {
      const node = cell?.tagName === 'TD' ? cell : el('td', cell);
      node.setAttribute('role', 'cell');
      if (heads[place]) node.dataset.head = heads[place];
      return node;
    }),
  );

/** A table; without any `heads` it has no first row. The roles stay whatever the window makes of it. */
export const table = (heads, rows) =>
  el(
    'table',
    { role: 'table' },
    heads.some(Boolean) &&
      el(
        'thead',
        { role: 'rowgroup' },
        el(
          'tr',
          { role: 'row' },
          heads.map((head) => el(head ? 'th' : 'td', { role: head ? 'columnheader' : 'cell' }, head)),
        ),
      ),
    el(
      'tbody',
      { role: 'rowgroup' },
      rows.map((cells) => row(heads, cells)),
    ),
  );
