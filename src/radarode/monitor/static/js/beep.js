/** Alarm sounds after IEC 60601-1-8: bursts of 10, 3 or 2 pulses. Nothing sounds before somebody has asked for it. */

const BURSTS = {
  high: { pulses: [0, 0.2, 0.4, 0.75, 0.95, 1.6, 1.8, 2.0, 2.35, 2.55], lengthS: 0.12, hz: [698, 784, 880, 988, 1047], everyS: 6 },
  medium: { pulses: [0, 0.4, 0.8], lengthS: 0.2, hz: [698, 880, 698], everyS: 8 },
  technical: { pulses: [0, 0.35], lengthS: 0.2, hz: [587, 523], everyS: 20 },
};

export class Beeper {
  constructor() {
    this.context = null;
    this.lastMs = -Infinity;
    this.lastLevel = null;
  }

  /** Whether sounds are on. */
  get on() {
    return this.context !== null;
  }

  /** Turn sounds on or off; must come from a click or a key. */
  async toggle() {
    if (this.context) {
      const { context } = this;
      this.context = null;
      await context.close();
      return;
    }
    this.context = new AudioContext();
    this.lastMs = -Infinity;
    await this.context.resume();
  }

  /**
   * Sound if it is time to; call it about twice a second.
   * @param {string | null} level the most urgent alarm that is not silenced
   */
  sound(level) {
    const burst = BURSTS[level === "low" ? "technical" : level];
    const nowMs = performance.now();
    if (!burst || !this.context) {
      this.lastLevel = level;
      return;
    }
    if (level === this.lastLevel && nowMs - this.lastMs < 1000 * burst.everyS) return;
    [this.lastLevel, this.lastMs] = [level, nowMs];
    burst.pulses.forEach((atS, k) => this.#pulse(atS, burst.hz[k % burst.hz.length], burst.lengthS));
  }

  #pulse(atS, hz, lengthS) {
    const startS = this.context.currentTime + 0.03 + atS;
    const volume = this.context.createGain();
    volume.gain.setValueAtTime(0, startS);
    volume.gain.linearRampToValueAtTime(0.22, startS + 0.015);
    volume.gain.setValueAtTime(0.22, startS + lengthS - 0.03);
    volume.gain.linearRampToValueAtTime(0, startS + lengthS);
    volume.connect(this.context.destination);
    for (const [harmonic, share] of [[1, 0.7], [2, 0.2], [3, 0.1]]) {
      const tone = this.context.createOscillator();
      const part = this.context.createGain();
      tone.frequency.value = hz * harmonic;
      part.gain.value = share;
      tone.connect(part).connect(volume);
      tone.start(startS);
      tone.stop(startS + lengthS);
    }
  }
}
