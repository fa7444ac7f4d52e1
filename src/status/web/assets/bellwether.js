// Keeps a page up to date: without this script every page can still be read, and loaded anew.
"use strict";

const MIN_PAUSE_MS = 1000; // between two loads of the same page
const FIRST_PAUSE_MS = 150; // for events that come together
const MAX_LINES = 20000; // of a log that is followed, before its oldest lines go

// --- Times -----------------------------------------------------------------------------------------------------------

const skew = (() => {
  // The server's clock is the one that counts.
  const made = document.querySelector("footer time[datetime]");
  return made ? Date.parse(made.dateTime) - Date.now() : 0;
})();

function roughly(s) {
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h`;
  if (s < 172800) return "1 day";
  if (s < 5184000) return `${Math.floor(s / 86400)} days`;
  if (s < 63072000) return `${Math.floor(s / 2592000)} months`;
  return `${Math.floor(s / 31536000)} years`;
}

function ago(then) {
  const s = Math.floor((Date.now() + skew - then) / 1000);
  if (Math.abs(s) < 5) return "now";
  return s < 0 ? `in ${roughly(-s)}` : `${roughly(s)} ago`;
}

function duration(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

function tick() {
  for (const time of document.querySelectorAll("main time[datetime]")) time.textContent = ago(Date.parse(time.dateTime));
  for (const took of document.querySelectorAll(".took[data-since]")) took.textContent = duration(Date.now() + skew - took.dataset.since);
  for (const expected of document.querySelectorAll("[data-end]")) {
    const now = Date.now() + skew;
    const end = Number(expected.dataset.end);
    const bar = expected.querySelector("progress");
    bar.value = Math.min(bar.max, now - expected.dataset.since);
    expected.querySelector(".left").textContent = end > now ? `${duration(end - now)} left` : `${duration(now - end)} late`;
  }
}

// --- Fragments: parts of the page that are loaded anew when something has happened ---------------------------------------

const served = new Map();

function remember() {
  for (const part of document.querySelectorAll("[data-fragment]")) served.set(part.id, part.outerHTML);
}

function keep(old, fresh) {
  // What the reader has unfolded, read or scrolled stays so.
  for (const details of fresh.querySelectorAll("details[id]")) {
    const before = old.querySelector(`#${CSS.escape(details.id)}`);
    if (!before) continue;
    if (before.dataset.touched) {
      details.dataset.touched = "yes";
      details.open = before.open;
    }
    for (const later of details.querySelectorAll("[data-later]")) {
      const loaded = before.querySelector(`[data-loaded="${CSS.escape(later.dataset.later)}"]`);
      if (loaded) later.replaceWith(loaded);
    }
  }
  for (const log of fresh.querySelectorAll("pre.log[data-log]")) {
    const before = old.querySelector(`pre.log[data-log="${log.dataset.log}"]`);
    // The grown one has at least what the fresh one has.
    if (before && Number(before.dataset.next) >= Number(log.dataset.next)) {
      if (!log.dataset.more) delete before.dataset.more;
      log.replaceWith(before);
    }
  }
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-fragment]")) {
    if (!fresh.getElementById(part.id)) part.remove();
  }
  let last = null;
  for (const part of fresh.querySelectorAll("[data-fragment]")) {
    const html = part.outerHTML;
    const old = document.getElementById(part.id);
    if (!old) {
      // One that was not there before: it goes behind the one that it stands behind.
      if (last) last.after(part);
    } else if (served.get(part.id) !== html && !typing(old)) {
      keep(old, part);
      old.replaceWith(part);
    }
    served.set(part.id, html);
    last = document.getElementById(part.id);
  }
  document.title = fresh.title;
  filter();
  settle(document);
}

function typing(part) {
  const field = document.activeElement;
  return field && part.contains(field) && field.matches("input[type=text], textarea") && field.value !== "";
}

let loading = false;
let again = false;
let loadedAt = 0;

function wish() {
  if (loading) {
    again = true;
    return;
  }
  loading = true;
  const pause = Math.max(FIRST_PAUSE_MS, loadedAt + MIN_PAUSE_MS - Date.now());
  setTimeout(async () => {
    again = false;
    try {
      await refresh();
    } catch {
      // Out of reach: the event stream says so, and its return loads anew.
    }
    loadedAt = Date.now();
    loading = false;
    if (again) wish();
  }, pause);
}

// --- Logs ----------------------------------------------------------------------------------------------------------------

function settle(within) {
  for (const log of within.querySelectorAll("pre.log")) {
    if (log.dataset.settled) continue;
    log.dataset.settled = "yes";
    if (log.closest("details")) log.scrollTop = log.scrollHeight;
  }
}

async function grow(log) {
  if (log.dataset.busy) {
    log.dataset.busy = "again";
    return;
  }
  log.dataset.busy = "yes";
  try {
    let more = "now";
    while (more === "now" && log.dataset.more) {
      const answer = await fetch(`${log.dataset.more}?from=${log.dataset.next}`);
      if (!answer.ok) return;
      more = answer.headers.get("x-more");
      const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 40;
      log.insertAdjacentHTML("beforeend", await answer.text());
      log.dataset.next = answer.headers.get("x-next-line");
      while (log.childElementCount > MAX_LINES) log.firstElementChild.remove();
      if (more === "no") delete log.dataset.more;
      if (log.dataset.busy === "again" && more === "later") {
        log.dataset.busy = "yes";
        more = "now";
      }
      if (atEnd) log.scrollTop = log.scrollHeight;
      const follow = document.getElementById("follow");
      if (follow && follow.checked) scrollTo(0, document.body.scrollHeight);
    }
  } finally {
    delete log.dataset.busy;
  }
}

async function unfold(details) {
  for (const later of details.querySelectorAll("[data-later]")) {
    const address = later.dataset.later;
    later.removeAttribute("data-later");
    const answer = await fetch(address);
    if (!answer.ok) continue;
    later.dataset.loaded = address;
    later.innerHTML = await answer.text();
    settle(later);
  }
}

document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("details[open]")) unfold(event.target);
}, true);

document.addEventListener("click", (event) => {
  const summary = event.target.closest?.("summary");
  if (summary) summary.parentElement.dataset.touched = "yes";
});

function toLine() {
  const line = /^#L(\d+)$/.exec(location.hash);
  if (line && !document.getElementById(`L${line[1]}`) && document.querySelector("pre.log")) {
    location.search = `?line=${line[1]}`;
  }
}

// --- Search within a list ----------------------------------------------------------------------------------------------------

function filter() {
  for (const field of document.querySelectorAll("[data-filter]")) {
    const part = field.value.trim().toLowerCase();
    for (const row of document.querySelectorAll(field.dataset.filter)) row.hidden = !row.dataset.name.includes(part);
  }
}

// --- Events ----------------------------------------------------------------------------------------------------------------

function hear(address) {
  const lost = document.getElementById("connection");
  const events = new EventSource(address);
  let wasLost = false;
  events.onopen = () => {
    lost.hidden = true;
    if (wasLost) catchUp();
    wasLost = false;
  };
  events.onerror = () => {
    lost.hidden = false;
    wasLost = true;
  };
  events.addEventListener("missed", catchUp);
  events.onmessage = (message) => {
    const told = JSON.parse(message.data);
    if (told.event === "log_appended" || told.event === "log_finished") {
      for (const log of document.querySelectorAll(`pre.log[data-log="${told.log}"][data-more]`)) grow(log);
      if (told.event === "log_appended") return;
    }
    wish();
  };
  addEventListener("pagehide", () => events.close());
}

function catchUp() {
  for (const log of document.querySelectorAll("pre.log[data-more]")) grow(log);
  wish();
}

// --- Forms: fields that set others -------------------------------------------------------------------------------------

function populate(changed) {
  const source = changed.closest("[data-autopopulate]");
  const wanted = source && JSON.parse(source.dataset.autopopulate)[changed.value];
  for (const [name, value] of Object.entries(wanted || {})) {
    for (const field of changed.form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (field.type === "checkbox") field.checked = value === "true";
      else field.value = value;
    }
  }
}

// --- Begin -------------------------------------------------------------------------------------------------------------------

remember();
settle(document);
toLine();
addEventListener("hashchange", toLine);
document.addEventListener("input", (event) => event.target.matches("[data-filter]") && filter());
document.addEventListener("change", (event) => event.target.form && populate(event.target));
setInterval(tick, 1000);
if (document.body.dataset.events) hear(document.body.dataset.events);
