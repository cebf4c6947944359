/** The websocket to the server: connects, connects again with growing pauses, and tells when it is lost. */

const FIRST_PAUSE_S = 0.5;
const LONGEST_PAUSE_S = 15;
const SILENT_S = 6;
const UNAUTHORISED = 4401;
const TOKEN_KEY = "radarode.token";

/** @returns {string | null} the token of this tab; one in the address (`#token=...`) is taken and removed from there */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    keepToken(given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  try {
    return given ?? sessionStorage.getItem(TOKEN_KEY);
  } catch {
    return given;
  }
}

/** @param {string} token */
export function keepToken(token) {
  try {
    sessionStorage.setItem(TOKEN_KEY, token);
  } catch {
    // Kept in memory only.
  }
}

/** @param {string | null} token @returns {Record<string, string>} headers of a fetch */
export function authorisation(token) {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

const REASONS = {
  1009: "A message of this page was too long.",
  1012: "The monitor has stopped.",
  1013: "Too many pages are open on this monitor.",
  4400: "The monitor could not read a message of this page.",
  4408: "This page was too slow to take what the monitor sent.",
  4429: "This page sent too many messages.",
};

/**
 * @typedef {object} Listener
 * @property {(message: object) => void} onMessage a JSON message
 * @property {(buffer: ArrayBuffer) => void} onBinary
 * @property {() => void} onOpen the first message has come
 * @property {(text: string, nextMs: number) => void} onLost with the moment of the next try, on `performance.now()`
 * @property {(wrong: boolean) => void} onUnauthorised a token is needed, or the one given is wrong
 */

export class Connection {
  /** @param {Listener} listener @param {string | null} token */
  constructor(listener, token) {
    this.listener = listener;
    this.token = token;
    this.tries = 0;
    this.socket = null;
    this.heardMs = 0;
    this.open = false;
    this.expectsMessages = false;
    this.timer = null;
    setInterval(() => this.#watch(), 1000);
  }

  /** Connect now. */
  connect() {
    clearTimeout(this.timer);
    this.#drop();
    const socket = new WebSocket(new URL("ws", document.baseURI.replace(/^http/, "ws")));
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.heardMs = performance.now();
    // An empty token is told too: a server that wants one then says so at once.
    socket.onopen = () => socket.send(JSON.stringify({ type: "token", token: this.token ?? "" }));
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onclose = ({ code }) => this.#closed(code);
  }

  /** @param {string} token connect with it */
  use(token) {
    this.token = token;
    keepToken(token);
    this.tries = 0;
    this.connect();
  }

  /** @param {object} message @returns {boolean} whether it could be sent */
  send(message) {
    if (!this.open || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  #take(data) {
    this.heardMs = performance.now();
    if (!this.open) {
      this.open = true;
      this.tries = 0;
      this.listener.onOpen();
    }
    if (typeof data === "string") this.listener.onMessage(JSON.parse(data));
    else this.listener.onBinary(data);
  }

  #watch() {
    const limitS = this.open && !this.expectsMessages ? Infinity : SILENT_S;
    if (!this.socket || performance.now() - this.heardMs < 1000 * limitS) return;
    this.#drop();
    this.#lost("The monitor does not answer.");
  }

  #drop() {
    const { socket } = this;
    this.socket = null;
    this.open = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  async #closed(code) {
    const opened = this.open;
    this.socket = null;
    this.open = false;
    if (code === UNAUTHORISED || (!opened && (await this.#refused()))) {
      this.listener.onUnauthorised(this.token !== null);
      return;
    }
    this.#lost(REASONS[code] ?? (opened ? "The monitor has closed the connection." : "The monitor cannot be reached."));
  }

  /** Ask whether a refused connection was refused for want of a token; a browser does not tell. */
  async #refused() {
    try {
      const address = new URL("history?stream=0&from_s=0&to_s=0.1", document.baseURI);
      const answer = await fetch(address, { headers: authorisation(this.token), cache: "no-store" });
      return answer.status === 401 || answer.status === 403;
    } catch {
      return false;
    }
  }

  #lost(text) {
    const pauseS = Math.min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** this.tries) * (0.8 + 0.4 * Math.random());
    this.tries += 1;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), 1000 * pauseS);
    this.listener.onLost(text, performance.now() + 1000 * pauseS);
  }
}
