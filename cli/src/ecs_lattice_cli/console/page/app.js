// The console: reads the stack again and again, and shows the view that the address names. It changes nothing.
import { allMessages, element, history, keyOf, matches, messages, routes, routesOf, service, span } from "./views.js";

const byId = (id) => document.getElementById(id);
const main = byId("main");
const read = { status: null, history: null, graph: null };
let freshness = { age: null, at: 0, error: "", waiting: null };
let every = 5;
let changed = new Map();

// The address: #view/parts?q=filter ---------------------------------------------------------------------------------------

function place() {
  const [path, query = ""] = location.hash.slice(1).split("?");
  const [view, ...parts] = path.split("/").map(decoded);
  const known = ["routes", "picture", "history", "messages", "service"].includes(view);
  return { view: known ? view : "routes", name: parts.join("/"), filter: new URLSearchParams(query).get("q") ?? "" };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function setFilter(filter) {
  const { view } = place();
  const target = view === "service" ? "routes" : view;
  window.history.replaceState(null, "", `#${target}${filter ? `?q=${encodeURIComponent(filter)}` : ""}`);
  show();
}

// Reading -----------------------------------------------------------------------------------------------------------------

async function fetched(name) {
  const response = await fetch(name, { cache: "no-store" });
  if (response.status === 403) throw new Error(await response.text());
  return response;
}

async function update() {
  try {
    const said = await (await fetched("api/status")).json();
    every = said.every;
    freshness = { age: said.age, at: performance.now(), error: said.error, waiting: said.waiting };
    if (said.result) {
      tellChanges(read.status, said.result);
      read.status = said.result;
    }
    await updateView();
  } catch (error) {
    const ended = error instanceof TypeError;
    freshness = { ...freshness, error: ended ? "The console has ended, or cannot be reached. Run ecs-lattice console again, and open the address that it prints." : error.message };
  }
  show();
}

async function updateView() {
  const { view } = place();
  if (view === "history") {
    const said = await (await fetched("api/history")).json();
    read.history = said.result ?? read.history;
    freshness.error ||= said.error;
  } else if (view === "picture") {
    const response = await fetched("api/graph.svg");
    const text = await response.text();
    if (!response.ok) read.graph = { error: text };
    else read.graph = { text, age: Number(response.headers.get("Age")), error: decoded(response.headers.get("Reading-Error") ?? "") };
  }
}

let running = false;
async function poll() {
  if (running || document.hidden) return;
  running = true;
  while (!document.hidden) {
    await update();
    await new Promise((resolve) => setTimeout(resolve, every * 1000));
  }
  running = false;
}

function tellChanges(before, after) {
  if (!before) return;
  const word = (route) => `${route.state}${route.isProblem ? ", with a problem" : ""}`;
  const old = new Map(routesOf(before).map((each) => [keyOf(each.service, each.route), word(each.route)]));
  const now = routesOf(after).map((each) => [keyOf(each.service, each.route), word(each.route)]);
  const news = now.filter(([key, state]) => old.get(key) !== state);
  const gone = [...old.keys()].filter((key) => !now.some(([other]) => other === key));
  for (const [key] of news) changed.set(key, performance.now());
  const told = [...news.map(([key, state]) => `${key}: ${state}`), ...gone.map((key) => `${key}: gone`)];
  if (told.length) byId("news").textContent = told.slice(0, 3).join("; ") + (told.length > 3 ? `; and ${told.length - 3} more` : "");
}

// Showing -----------------------------------------------------------------------------------------------------------------

function show() {
  const { view, name, filter } = place();
  for (const link of document.querySelectorAll("nav a")) {
    const current = link.dataset.view === view || (view === "service" && link.dataset.view === "routes");
    current ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  if (document.activeElement !== byId("filter")) byId("filter").value = filter;
  showFreshness();
  if (!read.status) return;
  showHead();
  for (const [key, since] of changed) if (performance.now() - since > 6000) changed.delete(key);
  if (view === "picture") return showPicture(filter);
  const content = {
    routes: () => routes(read.status, filter, changed),
    service: () => service(read.status, name),
    messages: () => messages(read.status, filter),
    history: () => (read.history ? history(read.history, filter) : [element("p", {}, "Reading …")]),
  }[view]();
  replace(content.filter(Boolean));
}

function replace(content) {
  const holder = element("div", {}, ...content);
  if (main.firstElementChild?.isEqualNode(holder)) return;
  const key = main.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  main.replaceChildren(holder);
  if (key) links().find((link) => link.dataset.key === key)?.focus();
}

function showHead() {
  const { stack, region } = read.status;
  byId("stack").textContent = stack.owner;
  byId("about").textContent = `${region}, version ${stack.version}`;
  const count = allMessages(read.status).filter((message) => message.tone === "bad").length;
  byId("count").textContent = `▲ ${count}`;
  byId("count").hidden = !count;
  document.title = `${count ? `▲ ${count} · ` : ""}${stack.owner} · ecs-lattice`;
}

function showFreshness() {
  const { age, at, error, waiting } = freshness;
  const now = age === null ? null : age + (performance.now() - at) / 1000;
  byId("age").textContent = now === null ? "Reading …" : `Read ${span(now)} ago${waiting > 10 ? `; AWS has not answered for ${span(waiting)}` : ""}`;
  const said = error && now !== null ? `${error} What is shown was read ${span(now)} ago.` : error;
  if (byId("error").textContent !== said) byId("error").textContent = said;
  byId("error").hidden = !error;
}

let drawn = "";
function showPicture(filter) {
  const graph = read.graph;
  if (!graph?.text) return replace([element("p", {}, graph?.error || "Reading …")]);
  const said = `Read ${span(graph.age)} ago.${graph.error ? ` ${graph.error}` : ""}`;
  if (drawn !== graph.text || !byId("drawing")) {
    const svg = new DOMParser().parseFromString(graph.text, "image/svg+xml").documentElement;
    main.replaceChildren(element("p", { class: "muted", id: "drawn" }), element("div", { id: "drawing", class: "scroll" }, document.importNode(svg, true)));
    drawn = graph.text;
  }
  byId("drawn").textContent = said;
  for (const node of document.querySelectorAll("#drawing .node")) {
    node.classList.toggle("unmatched", !matches(filter, node.querySelector("title").textContent));
  }
}

// Keys --------------------------------------------------------------------------------------------------------------------

const links = () => [...main.querySelectorAll("a[data-key]")];

function step(by) {
  const all = links();
  const next = all[(all.indexOf(document.activeElement) + by + all.length) % all.length] ?? all[0];
  next?.focus();
}

const KEYS = {
  1: () => (location.hash = "routes"),
  2: () => (location.hash = "picture"),
  3: () => (location.hash = "history"),
  4: () => (location.hash = "messages"),
  "/": () => byId("filter").select(),
  "?": () => byId("help").showModal(),
  j: () => step(1),
  k: () => step(links().includes(document.activeElement) ? -1 : 0),
  Escape: () => (place().view === "service" ? (location.hash = "routes") : setFilter("")),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  if (event.target === byId("filter")) {
    if (event.key === "Escape") {
      byId("filter").value = "";
      byId("filter").blur();
      setFilter("");
    } else if (event.key === "Enter") links()[0]?.focus();
    return;
  }
  if (KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

byId("filter").addEventListener("input", (event) => setFilter(event.target.value));
byId("keys").addEventListener("click", () => byId("help").showModal());
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
let shown = location.hash;
window.addEventListener("hashchange", () => {
  const before = shown;
  shown = location.hash;
  show();
  if (place().view === "routes") links().find((link) => link.hash === before)?.focus(); // back from an ECS service
  updateView().then(show, () => {});
});
document.addEventListener("visibilitychange", poll);
setInterval(showFreshness, 1000);
show();
poll();
