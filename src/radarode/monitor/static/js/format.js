/** Numbers as people read them. */

export const UNKNOWN = "--";

/** @param {number} seconds @returns {string} h:mm:ss of the stream's time */
export function clock(seconds) {
  if (!Number.isFinite(seconds)) return UNKNOWN;
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const two = (value) => String(value).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/** @param {number} seconds @returns {string} "8 s", "3 min", "2 h 5 min" */
export function span(seconds) {
  if (!Number.isFinite(seconds)) return UNKNOWN;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** @param {number | null | undefined} value @param {number} digits @param {string} unit @returns {string} */
export function quantity(value, digits, unit) {
  return Number.isFinite(value) ? `${value.toFixed(digits)}\u202f${unit}` : UNKNOWN;
}

/** @param {number} bytes @returns {string} */
export function size(bytes) {
  if (!Number.isFinite(bytes)) return UNKNOWN;
  return bytes < 1e6 ? quantity(bytes / 1e3, 0, "kB") : quantity(bytes / 1e6, 1, "MB");
}

/** @param {number} value @param {string} unit @returns {string} with its sign */
export function signed(value, unit) {
  if (!Number.isFinite(value)) return UNKNOWN;
  return `${value < 0 ? "\u2212" : "+"}${Math.abs(value).toFixed(0)}\u202f${unit}`;
}
