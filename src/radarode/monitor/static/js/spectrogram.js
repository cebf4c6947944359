/** The spectrogram of the motion, low frequencies below. */

import { paintEvents, paintGaps } from "./marks.js";

const RANGE_DB = 30;
const TICKS_HZ = [1, 2, 5, 10, 20];

export class SpectrogramPainter {
  /**
   * @param {import("./marks.js").Source} source
   * @param {Record<string, string>} colours
   * @param {number[]} freqsHz of the rows, increasing
   * @param {Uint8ClampedArray} map 256 x RGBA
   */
  constructor(source, colours, freqsHz, map) {
    this.source = source;
    this.colours = colours;
    this.freqsHz = freqsHz;
    this.map = map;
    this.peak = 0;
    this.tile = new OffscreenCanvas(1, 1);
    this.pen = this.tile.getContext("2d", { willReadFrequently: true });
  }

  /**
   * Fit the brightest colour to the strongest of the last seconds, if it no longer fits.
   * @param {number} headS
   * @returns {boolean} whether it changed
   */
  fit(headS) {
    const ring = this.source.rings.spectrogram;
    if (!ring) return false;
    const peaks = [];
    const end = Math.min(ring.end, Math.ceil(headS * ring.rateHz));
    for (let k = Math.max(ring.start, end - 12 * ring.rateHz); k < end; k += 1) {
      let most = 0;
      for (let row = 0; row < ring.rows; row += 1) most = Math.max(most, ring.at(k, row) || 0);
      if (most > 0) peaks.push(most);
    }
    if (peaks.length < 5) return false;
    peaks.sort((a, b) => a - b);
    const peak = peaks[Math.round(0.95 * (peaks.length - 1))];
    if (peak < 1.5 * this.peak && peak > 0.5 * this.peak) return false;
    this.peak = peak;
    return true;
  }

  /** @type {import("./strip.js").Painter["paintGrid"]} */
  paintGrid(context, view) {
    if (this.freqsHz.length < 2) return;
    const [low, high] = [Math.log(this.freqsHz[0]), Math.log(this.freqsHz.at(-1))];
    const half = view.height / this.freqsHz.length / 2;
    context.font = `600 ${11 * view.dpr}px system-ui, sans-serif`;
    context.lineWidth = 3 * view.dpr;
    context.lineJoin = "round";
    for (const hz of TICKS_HZ) {
      const share = (Math.log(hz) - low) / (high - low);
      if (share < -0.01 || share > 1.01) continue;
      const y = view.height - half - share * (view.height - 2 * half);
      context.textBaseline = share < 0.06 ? "bottom" : share > 0.94 ? "top" : "middle";
      const text = `${hz} Hz`;
      context.strokeStyle = this.colours["motion-paper"];
      context.fillStyle = this.colours.ink;
      context.globalAlpha = 0.85;
      context.strokeText(text, 5 * view.dpr, y);
      context.globalAlpha = 1;
      context.fillText(text, 5 * view.dpr, y);
      context.fillRect(0, Math.round(y), 3 * view.dpr, Math.max(1, Math.round(view.dpr)));
    }
  }

  /** @type {import("./strip.js").Painter["paint"]} */
  paint(context, view, fromS, toS) {
    const ring = this.source.rings.spectrogram;
    if (ring && this.peak > 0) {
      const first = Math.max(ring.start, Math.floor(fromS * ring.rateHz) - 1);
      const last = Math.min(ring.end, Math.ceil(toS * ring.rateHz) + 1);
      if (last > first) this.#paintFrames(context, view, ring, first, last);
      paintGaps(context, view, ring, fromS, toS, this.colours.gap);
    }
    paintEvents(context, view, this.source.events, fromS, toS, this.colours, false);
  }

  #paintFrames(context, view, ring, first, last) {
    const [columns, rows] = [last - first, ring.rows];
    if (this.tile.width < columns || this.tile.height !== rows) {
      this.tile.width = Math.max(64, columns);
      this.tile.height = rows;
    }
    const image = new ImageData(columns, rows);
    const words = new Uint32Array(image.data.buffer);
    const colours = new Uint32Array(this.map.buffer);
    const scale = (255 * 20) / RANGE_DB / Math.LN10;
    for (let column = 0; column < columns; column += 1) {
      for (let row = 0; row < rows; row += 1) {
        const value = ring.at(first + column, row);
        if (Number.isNaN(value)) continue;
        const level = Math.max(0, Math.min(255, 255 + scale * Math.log(value / this.peak + 1e-9)));
        words[(rows - 1 - row) * columns + column] = colours[level | 0];
      }
    }
    this.pen.putImageData(image, 0, 0);
    const x = (first / ring.rateHz - view.originS) * view.pxPerS;
    context.imageSmoothingEnabled = true;
    context.drawImage(this.tile, 0, 0, columns, rows, x, 0, (columns / ring.rateHz) * view.pxPerS, view.height);
  }
}
