// Small pictures of numbers, as SVG.

import { svg } from './dom.js';
import { yuan } from './money.js';

/** How often each size came up, with a mark at mine. */
export function histogram(values, mine, label, [width, height] = [320, 130]) {
  const most = Math.max(mine, ...values);
  const bins = Math.min(36, most);
  const size = most / bins;
  const binOf = (fen) => Math.min(bins - 1, Math.floor(fen / size));
  const counts = new Array(bins).fill(0);
  for (const value of values) counts[binOf(value)] += 1;
  const tallest = Math.max(...counts);
  const step = width / bins;
  const bars = counts.map((count, bin) => {
    const tall = (count / tallest) * (height - 38);
    return svg(`rect${bin === binOf(mine) ? '.mark' : ''}`, {
      x: bin * step + 0.5,
      y: height - 16 - tall,
      width: step - 1,
      height: tall,
      rx: 1.5,
    });
  });
  const middle = (binOf(mine) + 0.5) * step;
  const at = Math.min(width - 30, Math.max(30, middle));
  return svg(
    'svg.plot',
    { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label },
    bars,
    svg('text.mark', { x: at, y: 11, 'text-anchor': 'middle' }, `¥${yuan(mine)}`),
    svg('path.mark', { d: `M${middle - 4} 14h8l-4 5z` }),
    svg('text', { x: 0, y: height - 3 }, '¥0'),
    svg('text', { x: width, y: height - 3, 'text-anchor': 'end' }, `¥${yuan(most)}`),
  );
}

/** One bar for each `{name, value, title}`. */
export function bars(entries, label, [width, height] = [340, 150]) {
  const most = Math.max(1, ...entries.map(({ value }) => value));
  const step = width / entries.length;
  const drawn = entries.flatMap(({ name, value, title }, place) => {
    const tall = (value / most) * (height - 36);
    const middle = place * step + step / 2;
    return [
      svg(
        'rect',
        {
          x: place * step + step * 0.15,
          y: height - 16 - tall,
          width: step * 0.7,
          height: Math.max(tall, value ? 2 : 0),
          rx: 3,
        },
        svg('title', title),
      ),
      svg('text', { x: middle, y: height - 3, 'text-anchor': 'middle' }, name),
      value === most &&
        value > 0 &&
        svg(
          'text.mark',
          { x: Math.min(width - 24, Math.max(24, middle)), y: height - 22 - tall, 'text-anchor': 'middle' },
          title,
        ),
    ].filter(Boolean);
  });
  return svg('svg.plot', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label }, drawn);
}

/** A line through `points` (`[time, number]`, oldest first), from zero up. */
export function line(points, label, [width, height] = [260, 64]) {
  const known = points.filter(([, value]) => Number.isFinite(value));
  if (known.length < 2) return svg('svg.plot', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label });
  const [start, end] = [known[0][0], known.at(-1)[0]];
  const values = known.map(([, value]) => value);
  const [low, high] = [Math.min(0, ...values), Math.max(1, ...values)];
  const place = ([at, value]) =>
    `${(((at - start) / (end - start || 1)) * width).toFixed(1)},${(height - 2 - ((value - low) / (high - low)) * (height - 6)).toFixed(1)}`;
  const path = known.map(place).join(' L');
  return svg(
    'svg.plot',
    { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    svg('path.area', { d: `M0,${height} L${path} L${width},${height} Z` }),
    svg('path.line', { d: `M${path}` }),
  );
}
