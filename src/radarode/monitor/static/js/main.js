/** Start the page. */

import { App } from "./app.js";
import { Controls } from "./controls.js";

const app = new App();
new Controls(app);
app.start();
