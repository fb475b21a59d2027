// Runs before the modules, in words that every browser knows: who cannot run them is told so, and does not look at an
// empty page. The message stands in the page's place until the modules draw something there.
(function () {
  var app = document.getElementById('app');

  function tell(texts) {
    app.textContent = '';
    texts.forEach(function (text) {
      var line = document.createElement('p');
      line.className = 'starting told';
      line.setAttribute('role', 'alert');
      line.textContent = text;
      app.appendChild(line);
    });
  }

  function tooOld() {
    tell([
      '这个浏览器太旧，打不开这一页。请更新系统，或换一个浏览器（iOS 15、Chrome 90、Firefox 90 或更新的）。',
      'This browser is too old for this page: update it, or use another one (iOS 15, Chrome 90, Firefox 90 or newer).',
    ]);
  }

  // What the modules are written in, as far as it shows in a list of names.
  var isEnough =
    'noModule' in HTMLScriptElement.prototype &&
    'replaceChildren' in Element.prototype &&
    'replaceAll' in String.prototype &&
    'AbortController' in window &&
    'BigInt' in window;
  if (!isEnough) tooOld();

  // iOS before 15.4, Chrome before 92.
  if (isEnough && !Array.prototype.at) {
    Object.defineProperty(Array.prototype, 'at', {
      configurable: true,
      writable: true,
      value: function (place) {
        return this[place < 0 ? this.length + place : place];
      },
    });
  }

  function onError(event) {
    if (!app.querySelector('.starting')) return;
    if (event.target && event.target.tagName === 'SCRIPT') {
      tell(['页面没有加载完整，请检查网络后刷新。', 'The page did not load completely: check the network and reload.']);
    } else if (event.message) tooOld();
  }
  addEventListener('error', onError, true);
})();
