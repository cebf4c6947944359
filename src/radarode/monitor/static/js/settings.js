/** What the person at this screen has chosen; kept in the browser. */

export const CSS_MM_PX = 96 / 25.4;
export const SPEEDS_MM_S = [12.5, 25, 50];
export const GAINS_MM_MV = [5, 10, 20];
const KEY = "radarode.monitor";
const DEFAULTS = { speed: 25, gain: 10, mmPx: CSS_MM_PX, theme: "auto" };
const VALID = {
  speed: (value) => SPEEDS_MM_S.includes(value),
  gain: (value) => GAINS_MM_MV.includes(value),
  mmPx: (value) => Number.isFinite(value) && value >= 1 && value <= 15,
  theme: (value) => ["auto", "light", "dark"].includes(value),
};

/** Settings with listeners; storage that is full or forbidden is no error. */
export class Settings {
  constructor() {
    this.values = { ...DEFAULTS };
    this.listeners = new Set();
    let stored = {};
    try {
      stored = JSON.parse(localStorage.getItem(KEY)) ?? {};
    } catch {
      stored = {};
    }
    for (const [name, valid] of Object.entries(VALID)) if (valid(stored[name])) this.values[name] = stored[name];
  }

  /** @param {keyof typeof DEFAULTS} name */
  get(name) {
    return this.values[name];
  }

  /** @param {keyof typeof DEFAULTS} name @param {number | string} value one that is not valid is ignored */
  set(name, value) {
    if (!VALID[name](value) || this.values[name] === value) return;
    this.values[name] = value;
    try {
      localStorage.setItem(KEY, JSON.stringify(this.values));
    } catch {
      // Not kept: the choice holds until the page is closed.
    }
    for (const listener of this.listeners) listener(name);
  }

  /** Take the next value of a list, up or down. @param {"speed" | "gain"} name @param {1 | -1} by */
  step(name, by) {
    const list = name === "speed" ? SPEEDS_MM_S : GAINS_MM_MV;
    this.set(name, list[list.indexOf(this.values[name]) + by]);
  }
}
