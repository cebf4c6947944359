/** What strips share: gaps, beats and events on them, and the times of a strip that lies still. */

import { clock } from "./format.js";

const POOR_BELOW = 0.6;
export const LOW_QUALITY = 0.3;

/**
 * @typedef {object} Source What a strip shows.
 * @property {Record<string, import("./ring.js").Ring | null>} rings
 * @property {{rS: number, quality: number}[]} beats in order of time
 * @property {{atS: number, text: string}[]} events
 */

/** @param {{rS: number}[]} beats @param {number} timeS @returns {number} number of the first beat at or after it */
export function firstBeat(beats, timeS) {
  let [low, high] = [0, beats.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (beats[middle].rS < timeS) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @type {{key: string, pattern: CanvasPattern | null}} */
const hatch = { key: "", pattern: null };

function hatchPattern(context, colour, dpr) {
  const key = `${colour} ${dpr}`;
  if (hatch.key !== key) {
    const size = Math.round(8 * dpr);
    const tile = new OffscreenCanvas(size, size);
    const pen = tile.getContext("2d");
    pen.strokeStyle = colour;
    pen.lineWidth = 1.2 * dpr;
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift, size);
      pen.lineTo(shift + size, 0);
    }
    pen.stroke();
    hatch.key = key;
    hatch.pattern = context.createPattern(tile, "repeat");
  }
  return hatch.pattern;
}

/** Hatch a stretch where nothing is known. */
export function paintGap(context, view, fromS, toS, colour) {
  context.fillStyle = hatchPattern(context, colour, view.dpr);
  const left = (fromS - view.originS) * view.pxPerS;
  context.fillRect(left, 0, (toS - fromS) * view.pxPerS, view.height);
}

/**
 * Hatch the gaps of a ring within a stretch.
 * @param {import("./ring.js").Ring} ring
 */
export function paintGaps(context, view, ring, fromS, toS, colour) {
  const last = Math.min(ring.end, Math.ceil(toS * ring.rateHz));
  let began = null;
  for (let k = Math.max(ring.start, Math.floor(fromS * ring.rateHz)); k <= last; k += 1) {
    const gap = k < last && Number.isNaN(ring.at(k));
    if (gap && began === null) began = k;
    if (!gap && began !== null) {
      paintGap(context, view, began / ring.rateHz, k / ring.rateHz, colour);
      began = null;
    }
  }
}

/** Shade the cycles of beats of low quality, the stronger the lower; from midway to midway between R peaks. */
export function paintPoor(context, view, beats, fromS, toS, colour) {
  for (let k = Math.max(0, firstBeat(beats, fromS - 3) - 1); k < beats.length; k += 1) {
    const { rS, quality } = beats[k];
    const before = Math.min(1, rS - (beats[k - 1]?.rS ?? rS - 0.8));
    const after = Math.min(1, (beats[k + 1]?.rS ?? rS + Math.min(0.8, before)) - rS);
    if (rS - before / 2 > toS) break;
    if (quality >= POOR_BELOW || rS + after / 2 < fromS) continue;
    context.globalAlpha = 0.06 + 0.28 * (1 - quality / POOR_BELOW);
    context.fillStyle = colour;
    const left = Math.round((rS - before / 2 - view.originS) * view.pxPerS);
    const right = Math.round((rS + after / 2 - view.originS) * view.pxPerS);
    context.fillRect(left, 0, right - left, view.height);
    context.globalAlpha = 1;
  }
}

/** Mark R peaks at the upper edge: filled, or hollow where the quality is low. */
export function paintPeaks(context, view, beats, fromS, toS, colour) {
  const half = 4 * view.dpr;
  const marginS = (2 * half) / view.pxPerS;
  context.fillStyle = context.strokeStyle = colour;
  context.lineWidth = 1.3 * view.dpr;
  context.lineJoin = "miter";
  for (let k = firstBeat(beats, fromS - marginS); k < beats.length && beats[k].rS < toS + marginS; k += 1) {
    const x = (beats[k].rS - view.originS) * view.pxPerS;
    const top = 2.5 * view.dpr;
    context.beginPath();
    context.moveTo(x - half, top);
    context.lineTo(x + half, top);
    context.lineTo(x, top + 1.7 * half);
    context.closePath();
    if (beats[k].quality >= LOW_QUALITY) context.fill();
    else context.stroke();
  }
}

/** Draw the marks that people made, as dashed lines with their texts. */
export function paintEvents(context, view, events, fromS, toS, colours, withText) {
  const reachS = withText ? 40 * view.mmPx / view.pxPerS : 1;
  for (const { atS, text } of events) {
    if (atS > toS + 0.1 || atS + reachS < fromS) continue;
    const x = Math.round((atS - view.originS) * view.pxPerS) + 0.5;
    context.strokeStyle = context.fillStyle = colours.event;
    context.lineWidth = 1.5 * view.dpr;
    context.setLineDash([5 * view.dpr, 3 * view.dpr]);
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, view.height);
    context.stroke();
    context.setLineDash([]);
    if (!withText) continue;
    context.font = `600 ${12 * view.dpr}px system-ui, sans-serif`;
    context.textBaseline = "top";
    context.fillText(text.slice(0, 40), x + 5 * view.dpr, 16 * view.dpr);
  }
}

/** Write stream times along the lower edge of a strip that lies still. */
export function paintTimes(context, view, colours) {
  const seconds = view.width / view.pxPerS;
  const wanted = Math.max(1, Math.ceil(seconds / (view.width / (90 * view.dpr))));
  const stepS = [1, 2, 5, 10, 20, 30, 60].find((step) => step >= wanted) ?? 60;
  context.font = `${11.5 * view.dpr}px system-ui, sans-serif`;
  context.textBaseline = "bottom";
  for (let timeS = Math.ceil(view.originS); timeS <= view.originS + seconds; timeS += 1) {
    if (timeS < 0) continue;
    const x = Math.round((timeS - view.originS) * view.pxPerS);
    const labelled = timeS % stepS === 0;
    context.fillStyle = colours.muted;
    context.fillRect(x, view.height - (labelled ? 8 : 4) * view.dpr, Math.max(1, Math.round(view.dpr)), 8 * view.dpr);
    const fits = x + 52 * view.dpr < view.width;
    if (labelled && fits) context.fillText(clock(timeS), x + 4 * view.dpr, view.height - 1 * view.dpr);
  }
}
