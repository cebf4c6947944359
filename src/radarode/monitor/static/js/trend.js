/** Trends of the heart rate and of the beat intervals, drawn by uPlot. */

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { clock, quantity } from "./format.js";

const SPAN_S = 300;
const LONGEST_INTERVAL_S = 2.5;

function axis(colours, extra) {
  const line = { stroke: colours.line, width: 1 };
  return { stroke: colours.muted, grid: line, ticks: { ...line, size: 4 }, font: "11px system-ui, sans-serif", ...extra };
}

export class Trend {
  /**
   * @param {HTMLElement} figure with `.plot` and `output`
   * @param {"rate" | "interval"} kind
   */
  constructor(figure, kind) {
    this.place = figure.querySelector(".plot");
    this.readout = figure.querySelector("output");
    this.kind = kind;
    this.plot = null;
    this.limits = null;
    this.data = [[], []];
    new ResizeObserver(() => this.resize()).observe(this.place);
  }

  /** Fit to the place; a place that is hidden has no size. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.place;
    if (this.plot && width > 40) this.plot.setSize({ width, height });
  }

  /** Build anew in the colours of the theme. @param {Record<string, string>} colours */
  dress(colours) {
    this.colours = colours;
    this.plot?.destroy();
    this.plot = null;
  }

  #options(width, height) {
    const { colours, kind } = this;
    const series = kind === "rate"
      ? { stroke: colours.ecg, width: 2, points: { show: false } }
      : { stroke: colours.motion, paths: () => null, points: { show: true, size: 4, fill: colours.motion, width: 0 } };
    return {
      width,
      height,
      padding: [8, 24, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { time: false, range: () => this.range }, y: { range: (_, low, high) => this.#span(low, high) } },
      axes: [
        axis(colours, { values: (_, ticks) => ticks.map((tick) => clock(tick).replace(/^0:/, "")), space: 74, size: 24 }),
        axis(colours, { size: 42, space: 26, values: (_, ticks) => ticks.map(String) }),
      ],
      series: [{}, series],
      hooks: { draw: [(plot) => this.#drawLimits(plot)], setCursor: [(plot) => this.#read(plot)] },
    };
  }

  #span(low, high) {
    const rate = this.kind === "rate";
    if (low === null || low === undefined) return rate ? [40, 120] : [400, 1200];
    const [least, margin] = rate ? [40, 5] : [400, 40];
    const middle = (low + high) / 2;
    const half = Math.max(least / 2, (high - low) / 2 + margin);
    return [Math.max(0, middle - half), middle + half];
  }

  #drawLimits(plot) {
    if (this.kind !== "rate" || !this.limits) return;
    const { ctx: context, bbox } = plot;
    context.save();
    context.strokeStyle = this.colours.high;
    context.lineWidth = window.devicePixelRatio;
    context.setLineDash([6 * window.devicePixelRatio, 4 * window.devicePixelRatio]);
    for (const bpm of [this.limits.low_bpm, this.limits.high_bpm]) {
      const y = plot.valToPos(bpm, "y", true);
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      context.beginPath();
      context.moveTo(bbox.left, y);
      context.lineTo(bbox.left + bbox.width, y);
      context.stroke();
    }
    context.restore();
  }

  #read(plot) {
    const index = plot.cursor.idx;
    const value = index === null || index === undefined ? null : this.data[1][index];
    const unit = this.kind === "rate" ? "bpm" : "ms";
    this.readout.textContent = Number.isFinite(value) ? `${quantity(value, 0, unit)} at ${clock(this.data[0][index])}` : "";
  }

  /**
   * Show what is known up to a time.
   * @param {import("./model.js").Model} model @param {number} endS
   */
  show(model, endS) {
    const { clientWidth: width, clientHeight: height } = this.place;
    if (width < 40 || !this.colours || !Number.isFinite(endS)) return;
    this.range = [Math.max(0, endS - SPAN_S), Math.max(60, endS)];
    this.limits = model.limits;
    this.data = this.kind === "rate" ? rates(model, this.range[0]) : intervals(model, this.range[0]);
    if (this.plot) this.plot.setData(this.data);
    else this.plot = new uPlot(this.#options(width, height), this.data, this.place);
  }
}

function rates(model, fromS) {
  const shown = model.rates.filter(({ timeS }) => timeS >= fromS);
  return [shown.map(({ timeS }) => timeS), shown.map(({ bpm }) => bpm)];
}

function intervals(model, fromS) {
  const [times, values] = [[], []];
  for (let k = 1; k < model.beats.length; k += 1) {
    const { rS, quality } = model.beats[k];
    const lengthS = rS - model.beats[k - 1].rS;
    if (rS < fromS || quality < 0.3 || model.beats[k - 1].quality < 0.3 || lengthS > LONGEST_INTERVAL_S) continue;
    times.push(rS);
    values.push(1000 * lengthS);
  }
  return [times, values];
}
