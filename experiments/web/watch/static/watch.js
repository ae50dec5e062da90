import { call, make, by } from "./web/web.js";

const SVG = "http://www.w3.org/2000/svg";
const number = (v) => (v === null || v === undefined ? "–" : v.toFixed(1).replace("-", "\u2212"));
const short = (n) => (n >= 1e6 ? (n / 1e6).toFixed(2) + " M" : n >= 1e3 ? (n / 1e3).toFixed(0) + " k" : String(n));
let chosen = "", shownEpisodes = "", viewer = false;

async function guarded(f) {
  try {
    await f();
    by("message").textContent = "";
  } catch (e) {
    by("message").textContent = e.message;
  }
}

async function list() {
  const answer = await call("runs");
  viewer = answer.viewer;
  if (!answer.runs.length) by("message").textContent = "there are no runs here yet";
  by("runs").replaceChildren(...answer.runs.map((r) => {
    const text = r.trouble || `${r.state}, ${short(r.steps)} steps, return ${number(r.mean)}`;
    const b = make("button", { type: "button" }, r.name, make("small", { textContent: text }));
    b.setAttribute("aria-pressed", r.name === chosen);
    b.dataset.run = r.name;
    b.addEventListener("click", () => { chosen = r.name; shownEpisodes = ""; by("film").replaceChildren(); by("caption").textContent = ""; guarded(refresh); });
    return make("li", {}, b);
  }));
  if (!chosen && answer.runs.length) chosen = answer.runs[0].name;
}

const line = (tag, props, text) => {
  const e = document.createElementNS(SVG, tag);
  for (const [k, v] of Object.entries(props)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  return e;
};

function curve(seeds, measure) {
  const points = seeds.flatMap((s) => s.steps.map((x, i) => [x, s.values[i]]).filter((p) => p[1] !== null));
  const svg = by("curve");
  svg.replaceChildren();
  if (points.length < 2) {
    svg.append(line("text", { x: 20, y: 30 }, "there are too few points for a curve yet"));
    return;
  }
  const ys = points.map((p) => p[1]), right = Math.max(...points.map((p) => p[0]));
  let lo = Math.min(...ys), hi = Math.max(...ys);
  if (hi === lo) { hi += 1; lo -= 1; }
  const X = (v) => 60 + (v / right) * 640, Y = (v) => 190 - ((v - lo) / (hi - lo)) * 170;
  for (const v of [lo, (lo + hi) / 2, hi]) {
    svg.append(line("line", { x1: 60, x2: 700, y1: Y(v), y2: Y(v) }), line("text", { x: 54, y: Y(v) + 4, "text-anchor": "end" }, number(v)));
  }
  svg.append(line("text", { x: 60, y: 208 }, "0"), line("text", { x: 700, y: 208, "text-anchor": "end" }, short(right) + " steps"),
    line("text", { x: 60, y: 14 }, measure));
  for (const s of seeds) {
    const at = s.steps.map((x, i) => (s.values[i] === null ? null : `${X(x).toFixed(1)},${Y(s.values[i]).toFixed(1)}`)).filter(Boolean);
    svg.append(line("polyline", { points: at.join(" ") }));
  }
}

async function play(query, title) {
  by("caption").textContent = "…";
  const film = await call("film?" + query);
  const element = make("div", { className: "reel" });
  element.dataset.reel = film.reel;
  element.style.setProperty("--ratio", film.ratio);
  by("film").replaceChildren(element);
  await globalThis.terrariumReel.mount(element);
  by("caption").textContent = title || film.title;
  document.body.dataset.film = query;
}

async function refresh() {
  await list();
  if (!chosen) return;
  const r = await call("run?" + new URLSearchParams({ run: chosen }));
  by("run").hidden = false;
  by("title").textContent = r.name;
  by("state").textContent = r.summary;
  const query = new URLSearchParams({ run: chosen });
  by("links").replaceChildren(make("a", { href: "report?" + query, textContent: "report" }));
  if (r.plays) {
    const now = make("button", { type: "button", textContent: "what the policy does now", id: "now" });
    now.addEventListener("click", () => guarded(() => play(`${query}&now=1&seed=${Date.now() % 100000}`)));
    by("links").append("  ", now);
  }
  if (viewer && r.episodes.length) {
    const all = new URLSearchParams();
    for (const e of r.episodes.slice(0, 16)) all.append("replay", `../replay?${new URLSearchParams({ run: chosen, file: e.file })}`);
    by("links").append("  ", make("a", { href: "viewer/?" + all, textContent: "open in the viewer" }));
  }
  curve(r.curves, r.measure);
  const files = r.episodes.map((e) => e.file).join();
  if (files === shownEpisodes) return;
  shownEpisodes = files;
  by("episodes").replaceChildren(...r.episodes.map((e) => {
    const q = new URLSearchParams({ run: chosen, file: e.file });
    const b = make("button", { type: "button", textContent: "play" });
    b.dataset.file = e.file;
    b.addEventListener("click", () => guarded(() => play(q)));
    const cells = [e.purpose, e.seed, e.steps, number(e.return)].map((v) => make("td", { textContent: v }));
    const last = make("td", {}, b);
    if (viewer) {
      last.append("  ", make("a", { href: "viewer/?" + new URLSearchParams({ replay: `../replay?${q}` }), textContent: "viewer" }));
    }
    return make("tr", {}, ...cells, last);
  }));
}

await guarded(refresh);
setInterval(() => document.hidden || guarded(refresh), 3000);
