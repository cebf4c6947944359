/** Millimetres, pixels and time of a strip. */

/**
 * @typedef {object} View How a stretch of stream time lies on a strip; all pixels are device pixels.
 * @property {number} originS time at the left edge
 * @property {number} pxPerS
 * @property {number} width
 * @property {number} height
 * @property {number} mmPx device pixels per millimetre
 * @property {number} dpr device pixels per CSS pixel
 */

/**
 * The positions of the grid's lines: line k stands at the whole pixel nearest to k millimetres, so that errors of
 * rounding never add up.
 * @param {number} length in pixels @param {number} stepPx distance of the lines @param {number} [offset] of line 0
 * @returns {number[]}
 */
export function lines(length, stepPx, offset = 0) {
  const found = [];
  const first = Math.ceil(-offset / stepPx);
  for (let k = first; Math.round(offset + k * stepPx) < length; k += 1) found.push(Math.round(offset + k * stepPx));
  return found;
}

/**
 * Where 0 mV lies on an ECG strip: on a line of 5 mm, so that the middle of a cycle of 0 to 1 mV is near the middle.
 * @param {number} height @param {number} mmPx @param {number} gainMmMv
 * @returns {number} pixels from the top
 */
export function zeroLine(height, mmPx, gainMmMv) {
  const wanted = height / 2 + 0.5 * gainMmMv * mmPx;
  const step = 5 * mmPx;
  return Math.round(Math.min(wanted, height - 2 * mmPx) / step) * step;
}

/**
 * Cut a stretch of time at the ends of the sweep.
 * @param {number} fromS @param {number} toS @param {number} periodS time of one sweep
 * @returns {{originS: number, fromS: number, toS: number}[]}
 */
export function sweeps(fromS, toS, periodS) {
  const parts = [];
  for (let k = Math.floor(fromS / periodS); k * periodS < toS; k += 1) {
    const originS = k * periodS;
    parts.push({ originS, fromS: Math.max(fromS, originS), toS: Math.min(toS, originS + periodS) });
  }
  return parts;
}
