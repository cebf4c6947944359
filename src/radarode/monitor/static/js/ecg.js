/** The ECG on millimetre paper, and the motion below it. */

import { lines, zeroLine } from "./geometry.js";
import { paintEvents, paintGaps, paintPeaks, paintPoor, paintTimes } from "./marks.js";

/** Draw a signal as a line; gaps stay empty. */
function paintLine(context, view, ring, fromS, toS, yOf) {
  const pad = Math.ceil((4 * view.dpr * ring.rateHz) / view.pxPerS) + 1;
  const last = Math.min(ring.end - 1, Math.ceil(toS * ring.rateHz) + pad);
  context.beginPath();
  let down = false;
  for (let k = Math.max(ring.start, Math.floor(fromS * ring.rateHz) - pad); k <= last; k += 1) {
    const value = ring.at(k);
    if (Number.isNaN(value)) {
      down = false;
      continue;
    }
    const x = (k / ring.rateHz - view.originS) * view.pxPerS;
    if (down) context.lineTo(x, yOf(value));
    else context.moveTo(x, yOf(value));
    down = true;
  }
  context.lineJoin = context.lineCap = "round";
  context.stroke();
}

/** Draw lines of a grid, one pixel of the screen wide (two on dense screens). */
function paintLines(context, view, stepPx, offsetY, colour) {
  const thick = Math.max(1, Math.round(view.dpr * 0.75));
  context.fillStyle = colour;
  for (const x of lines(view.width, stepPx)) context.fillRect(x, 0, thick, view.height);
  for (const y of lines(view.height, stepPx, offsetY)) context.fillRect(0, y, view.width, thick);
}

export class EcgPainter {
  /**
   * @param {import("./marks.js").Source} source
   * @param {Record<string, string>} colours
   * @param {{gain: number}} scale mm/mV; a nominal cycle, 0 to 1, is drawn as 1 mV
   */
  constructor(source, colours, scale) {
    this.source = source;
    this.colours = colours;
    this.scale = scale;
  }

  /** @type {import("./strip.js").Painter["paintGrid"]} */
  paintGrid(context, view, still) {
    const zero = zeroLine(view.height, view.mmPx, this.scale.gain);
    paintLines(context, view, view.mmPx, zero, this.colours["grid-1"]);
    paintLines(context, view, 5 * view.mmPx, zero, this.colours["grid-5"]);
    this.#paintPulse(context, view, zero);
    if (still) paintTimes(context, view, this.colours);
  }

  /** The pulse of 1 mV that tells the gain. */
  #paintPulse(context, view, zero) {
    const [left, height] = [view.mmPx, this.scale.gain * view.mmPx];
    context.strokeStyle = context.fillStyle = this.colours.muted;
    context.lineWidth = 1.4 * view.dpr;
    context.beginPath();
    context.moveTo(left, zero);
    context.lineTo(left + view.mmPx, zero);
    context.lineTo(left + view.mmPx, zero - height);
    context.lineTo(left + 4 * view.mmPx, zero - height);
    context.lineTo(left + 4 * view.mmPx, zero);
    context.lineTo(left + 5 * view.mmPx, zero);
    context.stroke();
    context.font = `${11 * view.dpr}px system-ui, sans-serif`;
    context.textBaseline = "top";
    context.fillText("1 mV", left, zero + 2 * view.dpr);
  }

  /** @type {import("./strip.js").Painter["paint"]} */
  paint(context, view, fromS, toS) {
    const { rings, beats, events } = this.source;
    paintPoor(context, view, beats, fromS, toS, this.colours.poor);
    if (rings.ecg) {
      const zero = zeroLine(view.height, view.mmPx, this.scale.gain);
      const perMv = this.scale.gain * view.mmPx;
      paintGaps(context, view, rings.ecg, fromS, toS, this.colours.gap);
      context.strokeStyle = this.colours.ecg;
      context.lineWidth = 1.8 * view.dpr;
      paintLine(context, view, rings.ecg, fromS, toS, (value) => zero - value * perMv);
    }
    paintEvents(context, view, events, fromS, toS, this.colours, true);
    paintPeaks(context, view, beats, fromS, toS, this.colours["r-mark"]);
  }
}

const LOOK_BACK_S = 12;

export class MotionPainter {
  /** @param {import("./marks.js").Source} source @param {Record<string, string>} colours */
  constructor(source, colours) {
    this.source = source;
    this.colours = colours;
    this.centre = 0;
    this.half = 0;
  }

  /**
   * Fit the scale to the last seconds, if it no longer fits.
   * @param {number} headS
   * @returns {boolean} whether it changed
   */
  fit(headS) {
    const ring = this.source.rings.motion;
    if (!ring) return false;
    const values = [];
    const end = Math.min(ring.end, Math.ceil(headS * ring.rateHz));
    for (let k = Math.max(ring.start, end - LOOK_BACK_S * ring.rateHz); k < end; k += 3) {
      const value = ring.at(k);
      if (!Number.isNaN(value)) values.push(value);
    }
    if (values.length < 20) return false;
    values.sort((a, b) => a - b);
    const pick = (share) => values[Math.round(share * (values.length - 1))];
    const [low, high] = [pick(0.003), pick(0.997)];
    const [centre, half] = [(low + high) / 2, Math.max((high - low) / 2, 1e-12) * 1.15];
    const fits = half < 1.25 * this.half && half > 0.6 * this.half && Math.abs(centre - this.centre) < 0.25 * half;
    if (fits) return false;
    this.centre = centre;
    this.half = half;
    return true;
  }

  /** @type {import("./strip.js").Painter["paintGrid"]} */
  paintGrid(context, view) {
    paintLines(context, view, 5 * view.mmPx, Math.round(view.height / 2), this.colours["motion-grid"]);
  }

  /** @type {import("./strip.js").Painter["paint"]} */
  paint(context, view, fromS, toS) {
    const ring = this.source.rings.motion;
    if (ring && this.half > 0) {
      paintGaps(context, view, ring, fromS, toS, this.colours.gap);
      context.strokeStyle = this.colours.motion;
      context.lineWidth = 1.3 * view.dpr;
      const perUnit = (0.5 * view.height) / this.half;
      paintLine(context, view, ring, fromS, toS, (value) => view.height / 2 - (value - this.centre) * perUnit);
    }
    paintEvents(context, view, this.source.events, fromS, toS, this.colours, false);
  }
}
