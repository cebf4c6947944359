/** A strip on a canvas: it sweeps with an erase gap while live, and lies still, oldest on the left, while paused. */

import { sweeps } from "./geometry.js";

const ERASE_MM = 7;

/**
 * @typedef {object} Painter What is drawn on a strip.
 * @property {(context: CanvasRenderingContext2D, view: import("./geometry.js").View, fromS: number, toS: number) => void} paint
 *   draw a stretch of time; the area is clipped and empty
 * @property {(context: CanvasRenderingContext2D, view: import("./geometry.js").View, still: boolean) => void} [paintGrid]
 */

export class Strip {
  /**
   * @param {HTMLElement} paper holds canvases of class `trace` and `grid`
   * @param {Painter} painter
   * @param {{speed: number, mmPx: number}} scale mm/s and CSS pixels per mm
   */
  constructor(paper, painter, scale) {
    this.trace = paper.querySelector(".trace");
    this.grid = paper.querySelector(".grid");
    this.context = this.trace.getContext("2d");
    this.painter = painter;
    this.scale = scale;
    this.drawnS = null;
    this.still = null;
    this.dirty = true;
    this.width = 0;
    this.height = 0;
    new ResizeObserver(() => this.resize()).observe(paper);
  }

  /** Take the size of the canvas; called when it may have changed. */
  resize() {
    this.dpr = window.devicePixelRatio || 1;
    const box = this.trace.getBoundingClientRect();
    this.width = Math.round(box.width * this.dpr);
    this.height = Math.round(box.height * this.dpr);
    this.dirty = true;
  }

  /** Draw everything anew at the next frame. */
  refresh() {
    this.dirty = true;
  }

  /** Time that the strip's width holds. */
  get periodS() {
    return this.width / (this.scale.speed * this.scale.mmPx * this.dpr);
  }

  #view(originS) {
    const mmPx = this.scale.mmPx * this.dpr;
    const pxPerS = this.scale.speed * mmPx;
    return { originS, pxPerS, width: this.width, height: this.height, mmPx, dpr: this.dpr };
  }

  #begin(originS, still) {
    for (const canvas of [this.trace, this.grid]) {
      if (canvas.width !== this.width) canvas.width = this.width;
      if (canvas.height !== this.height) canvas.height = this.height;
    }
    this.context.clearRect(0, 0, this.width, this.height);
    const grid = this.grid.getContext("2d");
    grid.clearRect(0, 0, this.width, this.height);
    this.painter.paintGrid?.(grid, this.#view(originS), still);
    this.dirty = false;
  }

  /** Draw one stretch within one sweep, and erase what stands before it. */
  #paint(originS, fromS, toS) {
    const view = this.#view(originS);
    const left = Math.max(0, Math.floor((fromS - originS) * view.pxPerS) - 1);
    const right = Math.min(this.width, Math.ceil((toS - originS) * view.pxPerS));
    if (right <= left) return;
    const { context } = this;
    context.clearRect(left, 0, right - left, this.height);
    context.save();
    context.beginPath();
    context.rect(left, 0, right - left, this.height);
    context.clip();
    this.painter.paint(context, view, originS + left / view.pxPerS, Math.min(toS, originS + right / view.pxPerS));
    context.restore();
  }

  #erase(headS) {
    const view = this.#view(0);
    const gap = Math.round(ERASE_MM * view.mmPx);
    const left = Math.ceil((headS % this.periodS) * view.pxPerS);
    this.context.clearRect(left, 0, gap, this.height);
    if (left + gap > this.width) this.context.clearRect(0, 0, left + gap - this.width, this.height);
  }

  /**
   * Sweep up to a time.
   * @param {number} headS stream time
   * @param {number} [againFromS] what is newer is drawn again: it changed
   */
  sweep(headS, againFromS = Infinity) {
    if (this.width < 2 || this.height < 2) return;
    const periodS = this.periodS;
    if (this.dirty || this.still !== false) {
      this.#begin(0, false);
      this.still = false;
      this.drawnS = headS - periodS;
    }
    if (!Number.isFinite(headS)) {
      this.drawnS = null;
      return;
    }
    if (this.drawnS === null || headS < this.drawnS) this.drawnS = headS - periodS;
    const fromS = Math.max(Math.min(this.drawnS, againFromS), headS - periodS + (ERASE_MM + 1) / this.scale.speed);
    if (headS <= fromS) return;
    for (const part of sweeps(fromS, headS, periodS)) this.#paint(part.originS, part.fromS, part.toS);
    this.#erase(headS);
    this.drawnS = headS;
  }

  /**
   * Show a stretch that ends at a time, lying still.
   * @param {number} endS stream time at the right edge
   */
  show(endS) {
    if (this.width < 2 || this.height < 2) return;
    if (!this.dirty && this.still === endS) return;
    const originS = endS - this.periodS;
    this.#begin(originS, true);
    this.still = endS;
    this.#paint(originS, originS, endS);
  }
}
