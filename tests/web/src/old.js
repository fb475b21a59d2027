// Takes from a browser what came after iOS 15.0, Chrome 90 and Firefox 90, as far as it can be taken. `Object.hasOwn`
// stays: the driver's own scripts use it.
const gone = [
  [Array.prototype, 'at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'toSpliced', 'with'],
  [String.prototype, 'at', 'isWellFormed', 'toWellFormed'],
  [Object.getPrototypeOf(Uint8Array.prototype), 'at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'with'],
  [Set.prototype, 'union', 'intersection', 'difference', 'symmetricDifference', 'isSubsetOf', 'isSupersetOf'],
  [Object, 'groupBy'],
  [Map, 'groupBy'],
  [Array, 'fromAsync'],
  [Promise, 'withResolvers', 'try'],
  [AbortSignal, 'timeout', 'any', 'abort'],
  [AbortSignal.prototype, 'throwIfAborted', 'reason'],
  [Crypto.prototype, 'randomUUID'],
  [URL, 'canParse', 'parse'],
  [Response, 'json'],
  [Intl, 'Segmenter', 'DurationFormat'],
  [Element.prototype, 'checkVisibility', 'setHTMLUnsafe', 'getHTML'],
  [HTMLElement.prototype, 'inert', 'popover', 'showPopover', 'hidePopover', 'togglePopover'],
  [HTMLInputElement.prototype, 'showPicker'],
  [HTMLDialogElement.prototype, 'show', 'showModal', 'close', 'requestClose', 'open', 'returnValue'],
  [Document.prototype, 'startViewTransition'],
  [window, 'HTMLDialogElement', 'Iterator', 'structuredClone', 'navigation', 'scheduler', 'reportError', 'URLPattern'],
  // Not as old, and missing in some in-app browsers.
  [window, 'IntersectionObserver', 'ResizeObserver', 'BroadcastChannel', 'SharedWorker', 'Notification'],
  [Navigator.prototype, 'clipboard', 'share', 'vibrate', 'locks', 'wakeLock', 'serviceWorker', 'storage'],
  [window, 'CompressionStream', 'DecompressionStream', 'requestIdleCallback', 'cancelIdleCallback'],
];
for (const [owner, ...names] of gone) for (const name of names) delete owner[name];
