"use strict";
// Filters what the page already shows. Nothing is fetched, and no text becomes markup: only `hidden` and `open` change,
// and times are written in the reader's zone. The filters that differ from the first view stand in the address.
const forms = [...document.querySelectorAll("[data-filters]")];
const apply = [];
const view = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");

for (const form of forms) {
  const list = document.getElementById(form.dataset.filters);
  const entries = [...list.querySelectorAll("[data-status]")];
  const told = form.querySelector("output");
  const fields = [...form.elements].filter((element) => element.name);
  const first = Object.fromEntries(fields.map((field) => [field.name, ""]));
  if (form.elements.kind) first.status = "unfinished";
  const prefix = form.elements.kind ? "" : "vendor-";
  const read = new Map(); // the text of each entry, with what is read in it when it is opened
  const text = (entry) => {
    if (!read.has(entry)) {
      const own = entry.querySelectorAll(":scope > details > summary, :scope > .item .text, :scope > .branch > .item .text");
      read.set(entry, (entry.dataset.text || [...own].map((part) => part.textContent).join(" ")).toLowerCase());
    }
    return read.get(entry);
  };
  const fits = (entry, wanted, words) =>
    (!wanted.kind || entry.dataset.kind === wanted.kind) &&
    (!wanted.tag || (entry.dataset.tags || "").split("\n").includes(wanted.tag)) &&
    (!wanted.priority || entry.dataset.priority === wanted.priority) &&
    (!wanted.assignee || (entry.dataset.assignee === undefined ? "-" : `=${entry.dataset.assignee}`) === wanted.assignee) &&
    (!wanted.status || entry.dataset.status === wanted.status ||
      (wanted.status === "unfinished" && entry.dataset.finished === undefined)) &&
    words.every((word) => text(entry).includes(word));

  const filter = () => {
    const wanted = Object.fromEntries(fields.map((field) => [field.name, field.value]));
    const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = new Set(entries.filter((entry) => fits(entry, wanted, words)));
    const shown = new Set(found);
    for (const entry of found) {
      for (let above = entry.parentElement.closest("li"); above && list.contains(above) && !shown.has(above); above = above.parentElement.closest("li")) {
        shown.add(above);
      }
    }
    const narrow = fields.some((field) => field.value && field.value !== first[field.name]);
    for (const entry of entries) {
      entry.hidden = !shown.has(entry);
      entry.classList.toggle("around", shown.has(entry) && !found.has(entry));
      const branch = entry.querySelector(":scope > .branch");
      if (branch && narrow && shown.has(entry)) branch.open = true;
    }
    for (const rest of list.querySelectorAll(".rest")) {
      const count = rest.querySelectorAll(":scope > details > ul > [data-status]:not([hidden])").length;
      rest.hidden = count === 0;
      rest.querySelector("summary").textContent = `${count.toLocaleString("en")} more item${count === 1 ? "" : "s"}`;
      if (narrow) rest.firstElementChild.open = true;
    }
    told.textContent = `${found.size.toLocaleString("en")} of ${entries.length.toLocaleString("en")}`;
  };
  const say = () => {
    const address = view();
    for (const field of fields) {
      if (field.value === first[field.name]) address.delete(prefix + field.name);
      else address.set(prefix + field.name, field.value);
    }
    history.replaceState(null, "", `#${address}`);
    filter();
  };

  let waiting;
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(say, 60); });
  form.addEventListener("reset", () => setTimeout(() => {
    for (const field of fields) field.value = first[field.name];
    say();
  }));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") form.reset(); });
  for (const button of form.querySelectorAll("button[type=button]")) {
    button.addEventListener("click", () => {
      for (const branch of list.querySelectorAll(".branch, .rest > details")) branch.open = "open" in button.dataset;
    });
  }
  apply.push(() => {
    const given = view();
    for (const field of fields) field.value = given.get(prefix + field.name) ?? first[field.name];
    filter();
  });
  form.hidden = false;
}

// an address is a view (#assignee=ann) or the reference of what is to be shown (#w-7k3q)
const follow = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) { for (const one of apply) one(); return; }
  if (target.hidden) forms[0].reset();
  for (let above = target; above; above = above.parentElement) {
    above.hidden = false;
    if (above.tagName === "DETAILS") above.open = true;
  }
  const about = target.querySelector(":scope > .item, :scope > .branch > .item");
  if (about) { about.parentElement.open = true; about.open = true; }
  target.scrollIntoView({ block: "start" });
};
for (const one of apply) one();
addEventListener("hashchange", follow);
if (location.hash) follow();

// times in the reader's zone, those of an item when it is opened
const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const short = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const local = (root) => {
  for (const time of root.querySelectorAll("time:not([title])")) {
    if (!root.open && time.closest("details:not([open])")) continue;
    const moment = new Date(time.dateTime);
    if (isNaN(moment)) continue;
    const seconds = (moment - Date.now()) / 1000;
    const [unit, size] = UNITS.find((each) => Math.abs(seconds) >= each[1]) || ["minute", 60];
    time.title = exact.format(moment);
    time.textContent = `${short.format(moment)} (${relative.format(Math.trunc(seconds / size), unit)})`;
  }
};
local(document);
document.addEventListener("toggle", (event) => { if (event.target.open) local(event.target); }, true);

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
    event.preventDefault();
    document.querySelector("input[type=search]")?.focus();
  }
});
