/**
 * Where on the stream's time the strips are now.
 *
 * The ECG arrives in steps. The strip must move smoothly and yet be as little behind as it can: it follows the line
 * `rate * now + offset` that stays just below all that had arrived at any moment of the last seconds.
 */

const MEMORY_MS = 12_000;
const OUTAGE_MS = 1_600;
const FIRST_CUSHION_S = 0.6;
const JUMP_S = 1.5;

export class Playout {
  constructor() {
    this.reset();
  }

  /** Forget everything: the stream began anew. */
  reset() {
    this.newestS = -Infinity;
    this.headS = -Infinity;
    this.rate = 1;
    this.arrivals = [];
    this.lastMs = null;
  }

  /**
   * Tell that the ECG reaches up to `endS` now.
   * @param {number} endS stream time
   * @param {number} nowMs `performance.now()`
   */
  arrive(endS, nowMs) {
    if (endS <= this.newestS) return;
    const previous = this.arrivals.at(-1);
    if (previous && nowMs - previous.atMs > OUTAGE_MS) this.arrivals = [];
    const beforeS = this.arrivals.length ? this.newestS : null;
    this.arrivals.push({ atMs: nowMs, beforeS, endS });
    while (this.arrivals[0].atMs < nowMs - MEMORY_MS) this.arrivals.shift();
    this.newestS = endS;
    this.rate = this.#rate();
  }

  #rate() {
    const [first, last] = [this.arrivals[0], this.arrivals.at(-1)];
    const wallS = (last.atMs - first.atMs) / 1000;
    if (wallS < 2) return this.rate;
    const rate = (last.endS - first.endS) / wallS;
    return Math.abs(rate - 1) < 0.12 ? 1 : rate;
  }

  /** @param {number} nowMs @returns {number} stream time that should be drawn now */
  targetS(nowMs) {
    let offset = Infinity;
    for (const { atMs, beforeS } of this.arrivals) {
      if (beforeS !== null) offset = Math.min(offset, beforeS - (this.rate * atMs) / 1000);
    }
    const line = (this.rate * nowMs) / 1000 + offset;
    const wanted = offset === Infinity ? this.newestS - FIRST_CUSHION_S : line;
    return Math.min(this.newestS, wanted);
  }

  /**
   * Advance to now; never backwards.
   * @param {number} nowMs
   * @returns {number} stream time to draw up to; -Infinity while nothing arrived
   */
  advance(nowMs) {
    const passedS = this.lastMs === null ? 0 : (nowMs - this.lastMs) / 1000;
    this.lastMs = nowMs;
    if (this.newestS === -Infinity) return this.headS;
    const behindS = this.targetS(nowMs) - this.headS;
    if (!(Math.abs(behindS) < JUMP_S * Math.max(1, this.rate))) this.headS = Math.max(this.headS, this.targetS(nowMs));
    else this.headS += Math.max(0, this.rate * passedS * (1 + Math.max(-0.5, Math.min(0.5, behindS))));
    this.headS = Math.min(this.headS, this.newestS);
    return this.headS;
  }
}
