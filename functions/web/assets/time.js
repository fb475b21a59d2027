// The application's time. A phone's clock may be minutes off and may be turned at any moment: every answer tells the
// server's time, and what passes in between is measured.

import { el } from './dom.js';

// The server's time less `performance.now()` lies between these: each answer narrows it down.
let [least, most] = [-Infinity, Infinity];
// This device's time less `performance.now()`, when it was last heard.
let apart = 0;
/** The two may drift apart so far. */
const DRIFT_MS = 2000;

/** Learns from an answer's `date`, which tells whole seconds, to a request made at `askedAt` of `performance.now()`. */
export function hear(date, askedAt) {
  const at = Date.parse(date);
  if (Number.isNaN(at)) return;
  const [low, high] = [at - performance.now(), at + 1000 - askedAt];
  // They contradict each other when the measure stood still (the phone slept) or another server's clock answers.
  const isNew = low > most || high < least;
  [least, most] = isNew ? [low, high] : [Math.max(least, low), Math.min(most, high)];
  apart = Date.now() - performance.now();
}

const isTold = () => least !== -Infinity;

/**
 * Whether the server's time is known: an answer told it, and since then this device has measured without a break. After
 * a sleep the measure may have stood still, and only the next answer tells.
 */
export const isTimeKnown = () => isTold() && Math.abs(Date.now() - performance.now() - apart) < DRIFT_MS;

/** The server's time in Unix milliseconds; this device's, as long as nobody told. */
export const now = () => (isTold() ? Math.round((least + most) / 2 + performance.now()) : Date.now());

/** `UTC+8`: the reader's zone; which one it is depends on the moment where clocks are turned in summer. */
export function zone(ms = now()) {
  const minutes = -new Date(ms).getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? '−' : '+'}${hours}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`;
}

const two = (number) => String(number).padStart(2, '0');

/** A moment in the reader's zone: `20:15`, with the day when it is another one; all of it, with the zone, as its title. */
export function moment(ms) {
  const [at, today] = [new Date(ms), new Date(now())];
  const [day, time] = [
    `${two(at.getMonth() + 1)}-${two(at.getDate())}`,
    `${two(at.getHours())}:${two(at.getMinutes())}`,
  ];
  const isThisYear = at.getFullYear() === today.getFullYear();
  const isToday = at.toDateString() === today.toDateString();
  const year = `${at.getFullYear()}-`;
  const title = `${year}${day} ${time}:${two(at.getSeconds())} ${zone(ms)}`;
  return el(
    'time',
    { datetime: at.toISOString(), title },
    `${isThisYear ? '' : year}${isToday ? '' : `${day} `}${time}`,
  );
}

/** The year and the month (from 1) of a moment in China, by whose time the books are kept. */
export const monthOf = (ms) => {
  const china = new Date(ms + 8 * 3_600_000);
  return [china.getUTCFullYear(), china.getUTCMonth() + 1];
};
