// The operator's page: shows how things stand, and orders. It decides nothing itself.

import { Camera } from "/camera.js";

const MOVES = "wasdqezcrt", REPEAT_MS = 100, RETRY_MS = 1000;
const PAIRS = { wa: "q", wd: "e", sa: "z", sd: "c" };  // two keys at a time are a diagonal
const NOTES = {
  manual: "You alone. What the policy wants is only drawn.",
  vla: "The policy; your first key takes over, and the mode becomes manual.",
  shared: "The policy; while you hold a key, and 1 s after, you.",
};
const GAUGES = [
  ["frame_ms", "picture's age", "older ones stop the robot"],
  ["decision_ms", "decision took", "as long as one command counts"],
  ["command_ms", "decided ago", "then the robot stands"],
  ["page_ms", "page and back", "a silent page stops the robot"],
  ["tick_ms", "ticks late, p99", "one tick"],
];
const byId = id => document.getElementById(id);
const camera = new Camera(byId("camera"));
const held = new Set();
let line = null, about = null, now = {}, pressed = 0, typed = false;

function order(message) {
  if (line && line.readyState === WebSocket.OPEN) line.send(JSON.stringify(message));
}

function connect() {
  line = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
  line.binaryType = "arraybuffer";
  line.onopen = () => {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (token) order({ token });
  };
  line.onmessage = ({ data }) => {
    byId("lost").hidden = true;
    if (typeof data === "string") tellAbout(JSON.parse(data));
    else tellNow(data);
  };
  line.onclose = event => {
    byId("lostWhy").textContent = event.reason || "What this page drove stands. Trying again…";
    byId("lost").hidden = false;
    document.body.className = "";
    letGo();
    setTimeout(connect, RETRY_MS);
  };
}

// --- what is shown ---

async function tellNow(data) {
  const size = new DataView(data).getUint32(0, true);
  now = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, size)));
  order({ seen: now.number });
  if (data.byteLength > 4 + size) await camera.show(data.slice(4 + size));
  if (about) show();
}

function show() {
  const why = now.why || "", stopped = why.startsWith("e-stop"), drives = now.phase === "driving";
  document.body.dataset.phase = now.phase;
  document.body.className = stopped ? "estop" : now.armed ? "armed" : "";
  byId("state").textContent = stopped ? "emergency stop" : now.armed
    ? why ? `armed, stands: ${why}` : "armed, drives" : "disarmed, stands";
  byId("badge").textContent = { connecting: "connecting to the robot…", ready: "ready",
    starting: "starting…", driving: `driving, decision ${now.decisions}`, ended: "ended" }[now.phase];
  byId("recording").hidden = !(drives && about.wish.record);
  byId("said").textContent = now.lost || now.said || "";
  const [vx, vy, wz] = now.velocity || [0, 0, 0], { speed_m_s, turn_rate_rad_s } = about.facts;
  byId("speed").textContent = Math.hypot(vx, vy).toFixed(2);
  byId("turn").textContent = wz.toFixed(2);
  byId("throttle").textContent = `${now.throttle} %`;
  for (const button of byId("mode").children)
    button.setAttribute("aria-pressed", button.dataset.mode === now.mode);
  byId("modeNote").textContent = NOTES[now.mode] || "";
  byId("arm").disabled = !["ready", "ended"].includes(now.phase) || stopped;
  byId("arm").firstChild.textContent = now.phase === "starting" ? "Starting…" : drives
    ? now.yours ? "Driving" : "Another page drives" : now.mode === "manual" ? "Arm" : "Arm and drive";
  byId("emergency").firstChild.textContent = stopped ? "Release" : "E-stop";
  byId("emergency").lastChild.textContent = stopped ? "U" : "Esc";
  byId("instruction").disabled = drives || now.phase === "starting";
  showGauges(drives);
  camera.draw({
    armed: now.armed, steered: now.steered || now.mode === "manual",
    wheels: [vx / speed_m_s, vy / speed_m_s, wz / turn_rate_rad_s],
    plan: now.command_ms < 2 * about.limits.command_ms ? now.plan.map(share) : [],
  });
}

// A command, +-1.15 each, as shares of full speed; its direction alone counts, as the robot has it.
function share([x, y, turn]) {
  const length = Math.hypot(x, y);
  return length > 0.1 ? [x / length, y / length, turn / 1.15] : [0, 0, turn / 1.15];
}

function showGauges(drives) {
  for (const [name] of GAUGES) {
    const gauge = byId(name), limit = about.limits[name];
    const value = drives || !["decision_ms", "command_ms"].includes(name) ? now[name] : null;
    const known = value !== null && value !== undefined;
    gauge.classList.toggle("over", known && value > limit);
    gauge.querySelector("b").firstChild.textContent = known
      ? value < 9.95 ? value.toFixed(1) : Math.min(value, 99999).toFixed(0) : "–";
    gauge.querySelector(".bar i").style.width = `${known ? Math.min(100, 100 * value / limit) : 0}%`;
  }
}

function tellAbout(told) {
  about = told;
  const { wish, facts } = about;
  for (const [id, text] of [["source", facts.source], ["policy",
    facts.policy + (facts.size ? ` · ${facts.size}` : "") + (facts.weights === "random"
      ? " · RANDOM WEIGHTS" : "")]]) {
    byId(id).textContent = text;
    byId(id).hidden = !text;
  }
  byId("source").className = `chip ${facts.source}`;
  if (!typed) byId("instruction").value = wish.instruction;
  byId("record").checked = wish.record;
  byId("folder").textContent = wish.record ? `kept in ${facts.folder}` : "not kept";
  showScenarios(wish, facts.scenarios);
  showDrives(about.drives);
  if (!byId("gauges").firstChild) byId("gauges").append(...GAUGES.map(gauge));
}

function showScenarios(wish, scenarios) {
  byId("scenarios").replaceChildren(...scenarios.map((name, at) => {
    const row = about.progress.find(each => each.name === name);
    const button = make("button", { onclick: () => choose(name) }, make("kbd", {}, `${at + 1}`),
      make("span", { className: "name", title: name }, name),
      bar(row ? row.kept / row.planned : 0),
      make("span", { className: "count" }, row ? `${row.kept}/${row.planned}` : ""));
    button.setAttribute("aria-pressed", name === wish.scenario);
    return button;
  }));
  const row = about.progress.find(each => each.name === wish.scenario), body = byId("cells").tBodies[0];
  byId("cells").hidden = !row;
  if (!row) return;
  const patterns = [...new Set(row.cells.map(cell => cell.pattern))];
  body.replaceChildren(...patterns.map(pattern => make("tr", {}, make("th", {}, pattern),
    ...row.cells.filter(cell => cell.pattern === pattern).map(cell => {
      const chosen = wish.pattern === pattern && wish.distance === cell.distance;
      const button = make("button", { className: cell.kept >= cell.planned ? "full" : "",
        onclick: () => order({ do: "want", pattern: chosen ? "" : pattern,
          distance: chosen ? "" : cell.distance }) }, `${cell.kept}/${cell.planned}`);
      button.setAttribute("aria-pressed", chosen);
      button.setAttribute("aria-label", `${pattern} ${cell.distance}`);
      return make("td", {}, button);
    }))));
}

function showDrives(drives) {
  byId("drives").replaceChildren(...drives.map(drive => {
    const time = (drive.episode.match(/_\d{8}_(\d\d)(\d\d)(\d\d)/) || []).slice(1).join(":");
    const verdicts = [["success", "✓"], ["failure", "✗"], ["unclear", "?"]].map(([name, sign]) => {
      const button = make("button", { className: name, title: name,
        onclick: () => order({ do: "judge", episode: drive.episode, verdict: name }) }, sign);
      button.setAttribute("aria-pressed", drive.verdict === name);
      button.setAttribute("aria-label", `${drive.episode}: ${name}`);
      return button;
    });
    return make("li", { title: drive.instruction }, make("span", {},
      `${time} ${drive.scenario} ${drive.pattern} ${drive.distance}`),
    make("span", { className: "verdicts" }, ...verdicts), make("span", { className: "ended" },
      `${drive.mode} · ${drive.ended_by} · ${drive.frames} frames`));
  }));
}

function gauge([name, label, limit]) {
  const found = make("div", { className: "gauge", id: name }, label,
    make("b", {}, "–", make("small", {}, ` / ${about.limits[name]} ms`)), bar(0));
  found.title = `limit: ${about.limits[name]} ms, ${limit}`;
  return found;
}

function bar(share) {
  const inside = make("i");
  inside.style.width = `${Math.min(100, 100 * share)}%`;
  return make("span", { className: "bar" }, inside);
}

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// --- what is ordered ---

function arm() {
  const instruction = byId("instruction").value.trim();
  if (instruction && instruction !== about.wish.instruction) order({ do: "want", instruction });
  typed = false;
  document.activeElement.blur();
  order({ do: "arm" });
}

function choose(scenario) {
  typed = false;
  order({ do: "want", scenario });
}

function emergency() {
  const stopped = document.body.classList.contains("estop");
  order({ do: stopped ? "release" : "emergency" });
}

function drivingKey() {
  const letters = [...held], two = letters.length > 1
    ? Object.keys(PAIRS).find(pair => held.has(pair[0]) && held.has(pair[1])) : null;
  return two ? PAIRS[two] : letters[letters.length - 1];
}

function press(key) {
  if (held.has(key)) return;
  held.add(key);
  steer();
  if (!pressed) pressed = setInterval(steer, REPEAT_MS);
}

function release(key) {
  if (!held.delete(key)) return;
  steer();
}

function letGo() {
  held.clear();
  steer();
}

function steer() {
  const key = drivingKey();
  for (const button of byId("keys").querySelectorAll("button"))
    button.classList.toggle("held", button.dataset.key === key);
  if (key) order({ do: "key", key });
  else if (pressed) {
    order({ do: "key", key: " " });  // let go: stand, and do not wait for the command's end
    clearInterval(pressed);
    pressed = 0;
  }
}

const SHORT = {
  x: () => order({ do: "emergency" }), u: () => order({ do: "release" }),
  m: () => order({ do: "mode", mode: "manual" }), v: () => order({ do: "mode", mode: "vla" }),
  h: () => order({ do: "mode", mode: "shared" }), n: () => order({ do: "layout" }),
  f: () => order({ do: "throttle", more: false }), g: () => order({ do: "throttle", more: true }),
};

window.addEventListener("keydown", event => {
  const moves = ["starting", "driving"].includes(now.phase);
  const types = event.target.matches("textarea") && !moves;
  if (event.key === "Escape") return order({ do: "emergency" });
  if (types || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === " ") {
    event.preventDefault();
    if (!event.repeat) order({ do: "stop" });
  } else if (event.repeat) {
    return;
  } else if (MOVES.includes(key)) {
    press(key);
  } else if (key === "enter" && !event.target.matches("button, input")) {
    event.preventDefault();
    arm();
  } else if (SHORT[key]) {
    SHORT[key]();
  } else if (about && /^[1-9]$/.test(key) && about.facts.scenarios[key - 1]) {
    choose(about.facts.scenarios[key - 1]);
  }
}, true);
window.addEventListener("keyup", event => {
  if (event.key === " " && !event.target.matches("textarea")) event.preventDefault();
  release(event.key.toLowerCase());
}, true);
window.addEventListener("blur", letGo);
document.addEventListener("visibilitychange", () => document.hidden && letGo());

for (const button of byId("keys").querySelectorAll("button")) {
  button.addEventListener("pointerdown", event => {
    event.preventDefault();
    button.setPointerCapture(event.pointerId);
    press(button.dataset.key);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
    button.addEventListener(end, () => release(button.dataset.key));
}
byId("arm").onclick = arm;
byId("stop").onpointerdown = () => order({ do: "stop" });
byId("stop").onclick = () => order({ do: "stop" });
byId("emergency").onclick = emergency;
byId("layout").onclick = () => order({ do: "layout" });
byId("less").onclick = SHORT.f;
byId("more").onclick = SHORT.g;
byId("record").onchange = event => order({ do: "want", record: event.target.checked });
byId("instruction").oninput = () => { typed = true; };
for (const button of byId("mode").children)
  button.onclick = () => order({ do: "mode", mode: button.dataset.mode });
document.addEventListener("click", event => event.target.closest("button")?.blur());
connect();
