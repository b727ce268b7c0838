// The views: what was read becomes elements. Text is only ever set as text.

const MARKS = { good: "●", waiting: "◆", bad: "▲" };

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

export const nameOf = (service) => service.arn.split(":service/")[1] ?? service.arn;
export const linkTo = (name) => "#service/" + name.split("/").map(encodeURIComponent).join("/");

export function span(seconds) {
  const whole = Math.max(Math.round(seconds), 0);
  for (const [unit, size, smaller, part] of [["d", 86400, "h", 3600], ["h", 3600, "min", 60]]) {
    if (whole >= size) {
      const rest = Math.floor((whole % size) / part);
      return `${Math.floor(whole / size)} ${unit}` + (rest ? ` ${rest} ${smaller}` : "");
    }
  }
  return whole >= 60 ? `${Math.floor(whole / 60)} min` : `${whole} s`;
}

const utc = (epoch) => new Date(epoch * 1000).toISOString().replace("T", " ").slice(0, 19);
const wordOf = (route) => (route.isProblem && route.state === "Live" ? "Live, with a problem" : route.state);
export const toneOf = (route) => (route.isProblem ? "bad" : route.state === "Live" ? "good" : "waiting");
const number = (count, name) => `${count} ${name}${count === 1 ? "" : "s"}`;

function targets(route) {
  if (!route.targets) return "-";
  const sorted = Object.entries(route.targets).sort(([a], [b]) => (b === "HEALTHY") - (a === "HEALTHY") || (a < b ? -1 : 1));
  return sorted.map(([status, count]) => `${count} ${status}`).join(", ") || "none";
}

function state(tone, word) {
  return element("span", { class: `state ${tone}` }, element("span", { class: "mark", "aria-hidden": "true" }, MARKS[tone]), word);
}

const codes = (route) => [route.code, ...route.notices.map((notice) => notice.code)].filter(Boolean).join(", ") || "-";
export const routesOf = (status) => status.ecsServices.flatMap((service) => service.routes.map((route) => ({ service, route })));
export const keyOf = (service, route) => `${nameOf(service)} ${route.latticeService} ${route.route}`;

export function matches(filter, text) {
  const lower = text.toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => lower.includes(word));
}

// Routes ------------------------------------------------------------------------------------------------------------------

export function routes(status, filter, changed) {
  if (!status.ecsServices.length) return [nothingYet(status)];
  const rows = status.ecsServices.flatMap((service) => [
    ...service.routes.map((route) => routeRow(service, route, status.at, changed)),
    ...service.problems.filter((problem) => problem.isProblem).map((problem) => problemRow(service, problem)),
  ]);
  const shown = rows.filter((row) => matches(filter, row.textContent));
  const heads = ["ECS service", "Route", "Lattice service", "State", "Since", "Targets", "Code"];
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...shown));
  const none = shown.length ? null : element("p", { class: "muted" }, `Nothing matches the filter; there are ${number(rows.length, "row")}.`);
  return [summary(status), element("div", { class: "scroll" }, table), none];
}

function nothingYet(status) {
  const { owner, labelPrefix } = status.stack;
  return element("p", {}, `Stack ${owner} knows no ECS service with labels. Write ${labelPrefix}.service and ${labelPrefix}.port into a task definition and deploy it.`);
}

function summary(status) {
  const all = routesOf(status);
  const counts = new Map();
  for (const { route } of all) counts.set(route.state, (counts.get(route.state) ?? 0) + 1);
  const links = [...counts].flatMap(([word, count], index) => [
    index ? ", " : ": ", element("a", { href: `#routes?q=${encodeURIComponent(word)}` }, `${count} ${word}`),
  ]);
  const told = `${number(status.ecsServices.length, "ECS service")}, ${number(all.length, "route")}`;
  const ends = status.stack.isUninstalling ? " The stack is being uninstalled: labels are ignored." : "";
  return element("p", { class: "summary" }, told, ...links, ".", ends);
}

function routeRow(service, route, at, changed) {
  const name = nameOf(service);
  return element("tr", { class: changed.has(keyOf(service, route)) ? "changed" : null },
    element("td", {}, element("a", { href: linkTo(name), "data-key": keyOf(service, route) }, name)),
    element("td", {}, route.route),
    element("td", {}, route.latticeService),
    element("td", {}, state(toneOf(route), wordOf(route))),
    element("td", {}, route.since ? element("time", { datetime: new Date(route.since * 1000).toISOString() }, span(at - route.since)) : "-"),
    element("td", {}, targets(route)),
    element("td", {}, codes(route)));
}

function problemRow(service, problem) {
  const name = nameOf(service);
  return element("tr", {},
    element("td", {}, element("a", { href: linkTo(name), "data-key": `${name} ${problem.code} ${problem.key}` }, name)),
    element("td", { colspan: "2" }, problem.key ? `${problem.key} = ${problem.value}` : "-"),
    element("td", {}, state("bad", "Problem")), element("td", {}, "-"), element("td", {}, "-"), element("td", {}, problem.code));
}

// One ECS service ---------------------------------------------------------------------------------------------------------

export function service(status, name) {
  const found = status.ecsServices.find((each) => nameOf(each) === name);
  const back = element("p", {}, element("a", { href: "#routes", "data-key": "back" }, "← Routes"));
  if (!found) return [back, element("p", {}, `The stack knows nothing of ECS service ${name}: it declares no route.`)];
  const due = new Map(status.latticeServices.map((each) => [each.name, each.dueAt]));
  return [
    back,
    element("h2", {}, `ECS service ${name}`),
    element("p", { class: "muted" }, found.revision ? `Task definition ${found.revision}. ` : "", element("a", { href: `#history?q=${encodeURIComponent(name)}`, "data-key": "history" }, "History")),
    ...found.routes.map((route) => routePanel(route, status.at, due.get(route.latticeService) ?? 0)),
    ...found.problems.map((problem) => panel(problem.isProblem ? "bad" : "waiting", problem.code, problem.key ? `${problem.key} = ${problem.value}` : "", [
      element("p", {}, problem.message), problem.where ? element("p", { class: "muted" }, `In: ${problem.where}`) : null, fix(problem.command)])),
  ];
}

function panel(tone, title, subject, children) {
  const mark = element("span", { class: "mark", "aria-hidden": "true" }, MARKS[tone]);
  return element("section", { class: `panel ${tone}` }, element("h3", {}, mark, title, subject ? `: ${subject}` : ""), ...children);
}

function routePanel(route, at, dueAt) {
  const since = route.since ? ` for ${span(at - route.since)}` : "";
  const facts = [
    ["Requests", route.match ? `${route.match} on ${route.listeners.join(", ")}` : null],
    ["URL", route.url],
    ["Targets", route.targetGroupArn ? `${targets(route)}, port ${route.port}` : null],
    ["Target group", route.targetGroupArn ? route.targetGroupArn.split("/").pop() : null],
    ["Next look", dueAt > at && route.state !== "Live" ? `in ${span(dueAt - at)}` : null],
  ].filter(([, value]) => value);
  const list = element("dl", {}, ...facts.flatMap(([term, value]) => [element("dt", {}, term), element("dd", {}, value)]));
  return panel(toneOf(route), `Route ${route.route} of Lattice service ${route.latticeService}`, `${wordOf(route)}${since}`, [
    list,
    route.code ? element("p", {}, element("strong", {}, route.code), `: ${route.message}`) : null,
    fix(route.command),
    ...route.notices.map((notice) => element("p", {}, element("strong", {}, notice.code), `: ${notice.message}`)),
  ]);
}

const fix = (command) => (command ? element("div", {}, "To fix:", element("pre", { tabindex: "0" }, command)) : null);

// Messages ----------------------------------------------------------------------------------------------------------------

function messagesOf(route) {
  const about = `route ${route.route} of Lattice service ${route.latticeService}`;
  const own = { about, tone: toneOf(route), command: route.command, since: route.since };
  const told = route.code ? [{ ...own, code: route.code, message: route.message }] : [];
  if (!route.code && route.isProblem && !route.targets?.HEALTHY) told.push({ ...own, code: "No healthy target", message: `Requests fail: ${targets(route)}.` });
  const tone = route.isProblem && !told.length ? "bad" : "waiting";
  return [...told, ...route.notices.map((notice) => ({ about, tone, command: "", since: 0, ...notice }))];
}

export function allMessages(status) {
  const found = status.ecsServices.flatMap((service) => [
    ...service.routes.flatMap((route) => messagesOf(route).map((message) => ({ service, ...message }))),
    ...service.problems.map((problem) => ({ ...problem, service, about: problem.key ? `${problem.key} = ${problem.value}` : "", tone: problem.isProblem ? "bad" : "waiting", since: 0 })),
  ]);
  const rank = { bad: 0, waiting: 1, good: 2 };
  return found.sort((a, b) => rank[a.tone] - rank[b.tone]);
}

export function messages(status, filter) {
  const all = allMessages(status).map((each) => {
    const name = nameOf(each.service);
    const since = each.since ? ` for ${span(status.at - each.since)}` : "";
    const who = element("p", {}, element("a", { href: linkTo(name), "data-key": `${name} ${each.about} ${each.code}` }, name), each.about ? `, ${each.about}` : "", since);
    const where = each.where ? element("p", { class: "muted" }, `In: ${each.where}`) : null;
    return panel(each.tone, each.code, "", [who, element("p", {}, each.message), where, fix(each.command)]);
  });
  const shown = all.filter((each) => matches(filter, each.textContent));
  if (shown.length) return shown;
  return [element("p", {}, all.length ? "No message matches the filter." : "There are no messages: nothing stands in the way of any route.")];
}

// History -----------------------------------------------------------------------------------------------------------------

function whose(entry) {
  if (entry.kind === "ecsService") {
    const name = entry.key.split(":service/")[1] ?? entry.key;
    return [element("a", { href: linkTo(name), "data-key": `${entry.at} ${entry.key}` }, name), " (ECS service)"];
  }
  return [entry.key, entry.kind === "latticeService" ? " (Lattice service)" : entry.kind === "customResource" ? " (custom resource)" : " (the stack)"];
}

export function history(read, filter) {
  const entries = [...read.entries].reverse().map((entry) => element("tr", {},
    element("td", {}, element("time", { datetime: new Date(entry.at * 1000).toISOString() }, utc(entry.at))),
    element("td", {}, ...whose(entry)),
    element("td", {}, element("p", { class: "muted" }, `because: ${entry.cause}`), element("ul", {}, ...entry.steps.map((step) => element("li", {}, step))))));
  const shown = entries.filter((row) => matches(filter, row.textContent));
  const said = `${number(entries.length, "entry").replace("entrys", "entries")} since ${utc(read.since)} UTC, newest first.${read.isCut ? " Older ones are left out." : ""}`;
  const head = element("tr", {}, ...["Time (UTC)", "Whose", "What, and because of what"].map((text) => element("th", { scope: "col" }, text)));
  return [element("p", { class: "summary" }, said), shown.length ? element("table", {}, element("thead", {}, head), element("tbody", {}, ...shown)) : element("p", { class: "muted" }, entries.length ? "No entry matches the filter." : "Nothing was changed.")];
}
