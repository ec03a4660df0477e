// Which engine paints: in the studio, its server. The site without a server has another file in this place (web/engine.js).
export { HttpEngine as Engine } from "./engine-http.js";
