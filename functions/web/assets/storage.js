// What this window (`sessionStorage`) and this browser (`localStorage`) keep, where they may: in some WebViews there is
// no storage, and where site data is blocked the first touch throws. What cannot be kept lasts as long as the page.

function store(name) {
  const memory = new Map();
  return {
    get(key) {
      try {
        return memory.get(key) ?? window[name].getItem(key);
      } catch {
        return null;
      }
    },
    set(key, text) {
      try {
        window[name].setItem(key, text);
        memory.delete(key);
      } catch {
        memory.set(key, text);
      }
    },
    remove(key) {
      memory.delete(key);
      try {
        window[name].removeItem(key);
      } catch {
        // Then it was not kept either.
      }
    },
  };
}

export const ofWindow = store('sessionStorage');
export const ofBrowser = store('localStorage');
