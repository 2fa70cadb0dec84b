// What the pages do better with JavaScript: live parts, times in the reader's zone, dragging a card.
(() => {
  "use strict";

  const main = () => document.getElementById("main");

  // a form in which a person types is left alone when the page around it is renewed
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form");
    if (form) form.setAttribute("hx-morph-skip", "");
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    form.removeAttribute("hx-morph-skip");
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest('button[aria-disabled="true"]')) event.preventDefault();
  });

  // a page is renewed at once, and while more is written it takes breaks twice as long as its renewal took
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  let renewing = false, movedTo = "";
  async function renew(event) {
    movedTo = event.detail.id;
    if (renewing || !main() || main().dataset.still !== undefined) return;
    renewing = true;
    try {
      for (let shown; shown !== movedTo; ) {
        const address = new URL(location.href), begun = performance.now();
        address.searchParams.delete("said");
        shown = movedTo;
        await htmx.ajax("GET", address.pathname + address.search, {
          target: "#main", select: "#main", swap: "outerMorph", headers: { "Ledger-Moved-To": shown },
        });
        await pause(Math.min(2 * (performance.now() - begun), 2000));
      }
    } finally {
      renewing = false;
    }
  }
  document.addEventListener("moved", renew);

  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
  function localTimes(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      if (!isNaN(moment)) time.title = exact.format(moment);
    }
  }
  document.addEventListener("DOMContentLoaded", () => localTimes(document));
  document.addEventListener("htmx:after:swap", () => localTimes(document));

  // where the names of the pages do not fit, that of this one is in sight
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector("nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  });

  // the slider shows where it leads; its form goes there
  document.addEventListener("input", (event) => {
    const slider = event.target.closest?.('.as-of [type="range"]');
    if (slider) slider.form.querySelector("button").textContent = `Go to ${slider.value}`;
  });

  // keys for those who work here all day, never while something is typed
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const search = document.querySelector('.search [type="search"]');
    const create = document.querySelector('.bar a.main');
    if (event.key === "/" && search) { event.preventDefault(); search.focus(); }
    if (event.key === "n" && create) create.click();
  });

  // dragging is an extra: each card has a form that moves it
  let dragged = null;
  const over = (column) => {
    for (const each of document.querySelectorAll(".column.over")) if (each !== column) each.classList.remove("over");
    if (column) column.classList.add("over");
  };
  document.addEventListener("dragstart", (event) => { dragged = event.target.closest?.("[data-card]") ?? null; });
  document.addEventListener("dragend", () => { dragged = null; over(null); });
  document.addEventListener("dragover", (event) => {
    const column = dragged && event.target.closest("[data-state]");
    over(column || null);
    if (column) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const column = event.target.closest("[data-state]");
    if (!dragged || !column) return;
    event.preventDefault();
    const form = dragged.querySelector("form.move");
    const state = form && form.querySelector('[name="f-status"]');
    if (state && dragged.closest("[data-state]") !== column && [...state.options].some((option) => option.value === column.dataset.state)) {
      state.value = column.dataset.state;
      form.requestSubmit();
    }
    dragged = null;
    over(null);
  });
})();
