"use strict";
/* The page's side of MCP Apps, revision 2026-01-26: greets its host and hands each answer of the tool to `show(answer)`. */
const view = document.getElementById("view");
const send = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");

/* An element with a text, which is never read as markup, and with others inside it. */
const element = (name, text, ...inside) => {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = String(text);
  made.append(...inside);
  return made;
};
const brief = (...texts) => {
  const made = element("div", texts.filter(Boolean).join(" · "));
  made.className = "more";
  return made;
};
const counted = (shown, total) => (total > shown ? `the first ${shown} of ${total}` : `${total} in all`);

const theme = (context) => {
  if (context && (context.theme === "light" || context.theme === "dark")) {
    document.documentElement.dataset.theme = context.theme;
  }
};
const failed = (error) => [
  element("h1", "This could not be shown"),
  element("p", (error && error.message) || "The tool answered with an error."),
  ...(error && error.next_step ? [brief(error.next_step)] : []),
];
const answered = (result) => {
  const answer = (result && result.structuredContent) || {};
  view.replaceChildren(...(result && result.isError ? failed(answer.error) : show(answer)));
};

addEventListener("message", ({ source, data }) => {
  if (source !== parent || !data || data.jsonrpc !== "2.0") return;
  if (data.id === "greeting") {
    theme(data.result && data.result.hostContext);
    send({ method: "ui/notifications/initialized", params: {} });
  } else if (data.method === "ui/notifications/tool-result") {
    answered(data.params);
  } else if (data.method === "ui/notifications/host-context-changed") {
    theme(data.params);
  } else if (data.method && data.id !== undefined) {
    send(
      ["ping", "ui/resource-teardown"].includes(data.method)
        ? { id: data.id, result: {} }
        : { id: data.id, error: { code: -32601, message: "this page only shows" } },
    );
  }
});
new ResizeObserver(() => {
  const { scrollWidth: width, scrollHeight: height } = document.documentElement;
  send({ method: "ui/notifications/size-changed", params: { width, height } });
}).observe(document.body);
