// What a page keeps on this machine until the server has confirmed it: JSON under names that begin alike, each with the
// `owner` it belongs to. No storage (a private window, or a full one) is no error: then the server alone has it.
"use strict";

window.keeping = (prefix) => {
  function names() {
    try {
      return Object.keys(localStorage).filter((name) => name.startsWith(prefix));
    } catch {
      return [];
    }
  }

  // Whether it could be kept; nothing is removed instead of kept.
  function store(id, value) {
    try {
      if (value) localStorage.setItem(prefix + id, JSON.stringify(value));
      else localStorage.removeItem(prefix + id);
      return true;
    } catch {
      return false;
    }
  }

  function stored(id) {
    try {
      return JSON.parse(localStorage.getItem(prefix + id));
    } catch {
      return null;
    }
  }

  function forgetOthers(owner) {
    for (const name of names()) {
      const id = name.slice(prefix.length);
      if (stored(id)?.owner !== owner) store(id, null);
    }
  }

  return { store, stored, forgetOthers };
};
