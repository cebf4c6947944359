/** What the server remembers: fetched when somebody scrolls back further than the page remembers. */

import { authorisation } from "./connection.js";
import { unpackMany } from "./protocol.js";
import { Signals } from "./ring.js";

const MARGIN_S = 20;
const PAUSE_MS = 3000;

export class Past {
  /** @param {number} stream @param {() => string | null} token */
  constructor(stream, token) {
    this.stream = stream;
    this.token = token;
    this.fromS = Infinity;
    this.toS = -Infinity;
    this.rings = { ecg: null, motion: null, spectrogram: null };
    this.beats = [];
    /** @type {{atS: number, text: string}[]} */
    this.events = [];
    this.wanted = null;
    this.failed = false;
    this.waitMs = 0;
  }

  /** @returns {boolean} whether the stretch is there */
  holds(fromS, toS) {
    return fromS >= this.fromS && toS <= this.toS;
  }

  /**
   * Fetch a stretch with a margin; only one fetch runs at a time, and the newest wish wins. Behind a failure the next
   * one waits, and failures in a row throw once.
   * @param {number} fromS @param {number} toS
   * @returns {Promise<boolean>} whether something new is there
   */
  async fetch(fromS, toS) {
    if (performance.now() < this.waitMs) return false;
    const running = this.wanted !== null;
    this.wanted = [Math.max(0, fromS - MARGIN_S), toS + MARGIN_S];
    if (running) return false;
    try {
      while (this.wanted && !this.holds(Math.max(0, fromS), toS)) {
        const [first, last] = this.wanted;
        await this.#load(first, last);
        if (this.wanted[0] === first && this.wanted[1] === last) break;
        [fromS, toS] = [this.wanted[0] + MARGIN_S, this.wanted[1] - MARGIN_S];
      }
      this.failed = false;
    } catch (error) {
      this.waitMs = performance.now() + PAUSE_MS;
      const again = this.failed;
      this.failed = true;
      if (!again) throw error;
      return false;
    } finally {
      this.wanted = null;
    }
    return true;
  }

  /** @param {{atS: number, text: string}[]} newer @returns {{atS: number, text: string}[]} both, each mark once */
  eventsWith(newer) {
    const old = this.events.filter((one) => !newer.some(({ atS, text }) => atS === one.atS && text === one.text));
    return [...old, ...newer];
  }

  async #load(fromS, toS) {
    const query = `history?stream=${this.stream}&from_s=${fromS.toFixed(2)}&to_s=${toS.toFixed(2)}`;
    const answer = await fetch(new URL(query, document.baseURI), { headers: authorisation(this.token()), cache: "no-store" });
    if (!answer.ok) throw new Error(`The monitor does not give its history (${answer.status}).`);
    const { blocks, messages } = unpackMany(await answer.arrayBuffer());
    const signals = new Signals(toS - fromS + 2);
    for (const block of blocks) signals.put(block);
    this.rings = signals.rings;
    this.beats = messages
      .filter((message) => message.type === "beats")
      .flatMap((message) => message.r_s.map((rS, k) => ({ rS, quality: message.quality[k] })))
      .sort((a, b) => a.rS - b.rS);
    this.events = messages
      .filter((message) => message.type === "event")
      .map((message) => ({ atS: message.at_s, text: message.text }));
    [this.fromS, this.toS] = [fromS, toS];
  }
}
