/** What the page knows of one stream; nothing of how it looks. */

import { firstBeat } from "./marks.js";
import { Playout } from "./playout.js";
import { Signals } from "./ring.js";

const KEPT_S = 120;
const BEATS_KEPT_S = 3600;

export class Model {
  /** @param {object} facts a stream of the hello message */
  constructor(facts) {
    this.facts = facts;
    this.limits = facts.limits ?? null;
    this.reset();
  }

  /** Forget all that belongs to the stream's time: it began anew. */
  reset() {
    this.signals = new Signals(KEPT_S);
    this.playout = new Playout();
    /** @type {{rS: number, quality: number}[]} */
    this.beats = [];
    /** @type {{atS: number, text: string}[]} */
    this.events = [];
    /** @type {{timeS: number, bpm: number | null}[]} */
    this.rates = [];
    this.state = null;
    this.stateMs = 0;
    /** Oldest time whose drawing changed since it was drawn. */
    this.changedFromS = Infinity;
  }

  /** Rings as a strip wants them. */
  get rings() {
    return this.signals.rings;
  }

  /** @param {import("./protocol.js").Block} block @param {number} nowMs */
  takeBlock(block, nowMs) {
    this.signals.put(block);
    if (block.firstS < this.playout.headS) this.changedFromS = Math.min(this.changedFromS, block.firstS);
    if (block.kind === "ecg") this.playout.arrive(this.rings.ecg.endS, nowMs);
  }

  /** @param {{r_s: number[], quality: number[]}} message */
  takeBeats(message) {
    message.r_s.forEach((rS, k) => {
      const at = firstBeat(this.beats, rS);
      const near = [this.beats[at - 1], this.beats[at]].some((beat) => beat && Math.abs(beat.rS - rS) < 1e-3);
      if (near) return;
      this.beats.splice(at, 0, { rS, quality: message.quality[k] });
      this.changedFromS = Math.min(this.changedFromS, rS - 0.6);
    });
    const last = this.beats.at(-1);
    if (last) this.beats.splice(0, firstBeat(this.beats, last.rS - BEATS_KEPT_S));
  }

  /** @param {object} state @param {number} nowMs */
  takeState(state, nowMs) {
    this.state = state;
    this.stateMs = nowMs;
    if (state.limits) this.limits = state.limits;
    const last = this.rates.at(-1);
    if (Number.isFinite(state.stream_s) && (!last || state.stream_s > last.timeS)) {
      this.rates.push({ timeS: state.stream_s, bpm: state.heart_rate_bpm ?? null });
      if (this.rates.length > 2 * BEATS_KEPT_S) this.rates.splice(0, BEATS_KEPT_S);
    }
  }

  /** @param {{at_s: number, text: string}} message */
  takeEvent(message) {
    const event = { atS: message.at_s, text: message.text };
    if (this.events.some(({ atS, text }) => atS === event.atS && text === event.text)) return;
    this.events.push(event);
    this.events.sort((a, b) => a.atS - b.atS);
    this.changedFromS = Math.min(this.changedFromS, event.atS - 0.2);
  }

  /** @param {number} nowMs @returns {number | null} how far the strip is behind the motion, in seconds */
  delayS(nowMs) {
    if (!this.state || !Number.isFinite(this.playout.headS) || this.state.signal === "no signal") return null;
    const newestS = this.state.stream_s + (this.playout.rate * (nowMs - this.stateMs)) / 1000;
    return Math.max(0, newestS - this.playout.headS);
  }
}
