/* The status report: each part of the answer that has something in it, as a table. */
const TITLES = {
  vendor_health: "Vendors",
  active_work_items: "Work",
  ready: "Ready to start",
  recent_deployments: "Recent deployments",
  pending_enhancements: "Planned enhancements",
};
const HIDDEN = ["id", "depth", "version"];
const words = (name) => name.replaceAll("_", " ");
const cell = (value) => {
  if (Array.isArray(value)) return value.map(cell).join(", ");
  if (typeof value !== "object" || !value) return value;
  return Object.entries(value)
    .map(([name, inside]) => `${words(name)} ${cell(inside)}`)
    .join(", ");
};
const table = (rows) => {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => !HIDDEN.includes(name));
  const head = element("tr", null, ...names.map((name) => element("th", words(name))));
  const lines = rows.map((row) => element("tr", null, ...names.map((name) => element("td", cell(row[name])))));
  return element("table", null, element("thead", null, head), element("tbody", null, ...lines));
};
const part = ([name, value]) => {
  const rows = Array.isArray(value) ? value : value && (value.items || value.vendors);
  if (!rows || !rows.length || typeof rows[0] !== "object") return [];
  return [
    element("h2", TITLES[name] || words(name)),
    brief(counted(rows.length, value.total_count ?? value.total_vendors ?? rows.length)),
    table(rows),
  ];
};
const show = (answer) => [
  element("h1", answer.project || "Status report"),
  ...(answer.markdown ? [element("pre", answer.markdown)] : Object.entries(answer).flatMap(part)),
];
send({
  id: "greeting",
  method: "ui/initialize",
  params: { protocolVersion: "2026-01-26", appInfo: { name: "ledger-report", version: "1" }, appCapabilities: {} },
});
