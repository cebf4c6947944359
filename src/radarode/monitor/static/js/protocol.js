/** The messages between server and page; the mirror of `radarode/monitor/protocol.py`. */

const HEADER_BYTES = 24;
const VERSION = 1;
const KINDS = { 1: "ecg", 2: "motion", 3: "spectrogram" };

/**
 * @typedef {object} Block Consecutive columns of one signal.
 * @property {"ecg" | "motion" | "spectrogram"} kind
 * @property {number} stream number of the stream in the hello message
 * @property {number} rows
 * @property {number} columns
 * @property {number} rateHz columns per second
 * @property {number} firstS stream time of the first column
 * @property {Float32Array} values rows x columns, row by row; NaN in gaps
 */

/**
 * Read one binary message.
 * @param {ArrayBuffer} buffer
 * @returns {Block}
 */
export function unpack(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER_BYTES) throw new Error("a message shorter than its header");
  const kind = KINDS[view.getUint8(1)];
  const [rows, columns] = [view.getUint32(4, true), view.getUint32(8, true)];
  if (view.getUint8(0) !== VERSION) throw new Error("a message of another version; reload the page");
  if (!kind || buffer.byteLength !== HEADER_BYTES + 4 * rows * columns) throw new Error("a message of the wrong size");
  return {
    kind,
    stream: view.getUint16(2, true),
    rows,
    columns,
    rateHz: view.getUint32(12, true) / 1000,
    firstS: view.getFloat64(16, true),
    values: new Float32Array(buffer, HEADER_BYTES),
  };
}

/**
 * Read the answer of `/history`: messages, each behind its length; those that begin with "{" are JSON.
 * @param {ArrayBuffer} body
 * @returns {{blocks: Block[], messages: object[]}}
 */
export function unpackMany(body) {
  const view = new DataView(body);
  const [blocks, messages] = [[], []];
  let at = 0;
  while (at < body.byteLength) {
    const start = at + 4;
    const end = start + (start <= body.byteLength ? view.getUint32(at, true) : 0);
    if (start > body.byteLength || end > body.byteLength) throw new Error("an answer that ends within a message");
    const part = body.slice(start, end);
    if (view.getUint8(start) === 0x7b) messages.push(JSON.parse(new TextDecoder().decode(part)));
    else blocks.push(unpack(part));
    at = end;
  }
  return { blocks, messages };
}
