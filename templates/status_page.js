"use strict";
// Filters what the page already shows. Nothing is fetched, and no text becomes markup: only `hidden` and `open` change.
for (const form of document.querySelectorAll("[data-filters]")) {
  const list = document.getElementById(form.dataset.filters);
  const entries = [...list.querySelectorAll("[data-status]")];
  const told = form.querySelector("output");
  const field = (name) => (form.elements[name] ? form.elements[name].value : "");
  const fits = (entry, wanted) =>
    wanted.words.every((word) => entry.dataset.text.includes(word)) &&
    (!wanted.kind || entry.dataset.kind === wanted.kind) &&
    (!wanted.tag || entry.dataset.tags.split("\n").includes(wanted.tag)) &&
    (!wanted.status || entry.dataset.status === wanted.status ||
      (wanted.status === "unfinished" && entry.dataset.finished === undefined));

  const filter = () => {
    const words = field("text").toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = { words, kind: field("kind"), tag: field("tag"), status: field("status") };
    const found = new Set(entries.filter((entry) => fits(entry, wanted)));
    const shown = new Set(found);
    for (const entry of found) {
      for (let above = entry.parentElement.closest("li"); above && list.contains(above) && !shown.has(above); above = above.parentElement.closest("li")) {
        shown.add(above);
      }
    }
    const narrow = words.length > 0 || wanted.kind || wanted.tag || (wanted.status && wanted.status !== "unfinished");
    for (const entry of entries) {
      entry.hidden = !shown.has(entry);
      entry.classList.toggle("around", shown.has(entry) && !found.has(entry));
      const folder = entry.querySelector(":scope > details");
      if (folder && narrow && shown.has(entry)) folder.open = true;
    }
    for (const rest of list.querySelectorAll(".rest")) {
      const count = rest.querySelectorAll(":scope > details > ul > [data-status]:not([hidden])").length;
      rest.hidden = count === 0;
      rest.querySelector("summary").textContent = `${count.toLocaleString("en")} more item${count === 1 ? "" : "s"}`;
      if (narrow) rest.firstElementChild.open = true;
    }
    told.textContent = `${found.size.toLocaleString("en")} of ${entries.length.toLocaleString("en")}`;
  };

  let waiting;
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 60); });
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") form.reset(); });
  for (const button of form.querySelectorAll("button[type=button]")) {
    button.addEventListener("click", () => {
      for (const folder of list.querySelectorAll("details")) folder.open = "open" in button.dataset;
    });
  }
  const status = form.elements.status;
  if (status && [...status.options].some((option) => option.value === "unfinished")) {
    status.options[1].defaultSelected = true;
    status.value = "unfinished";
  }
  filter();
}
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
    event.preventDefault();
    document.querySelector("input[type=search]")?.focus();
  }
});
const reveal = () => document.getElementById(location.hash.slice(1))?.closest("details")?.setAttribute("open", "");
addEventListener("hashchange", reveal);
reveal();
