/* Work items in a column for each state; the three original words come first, a ledger's own states as they appear. */
const KNOWN = ["active", "blocked", "completed"];
const card = (item) =>
  element(
    "li",
    null,
    element("div", item.title),
    brief(
      item.ref,
      `P${item.priority}`,
      item.claimed_by ? `held by ${item.claimed_by}` : item.assignee,
      item.waits_for && `waits for ${item.waits_for}`,
      item.due && `due ${item.due}`,
      (item.tags || []).join(" "),
    ),
  );
const column = ([state, items]) =>
  element("section", null, element("h2", `${state} (${items.length})`), element("ul", null, ...items.map(card)));
const show = (answer) => {
  const items = answer.items || [];
  const states = new Map(KNOWN.map((state) => [state, []]));
  for (const item of items) {
    const state = item.status || "ready";
    states.set(state, [...(states.get(state) || []), item]);
  }
  const columns = [...states].filter(([, inside]) => inside.length);
  const board = element("div", null, ...columns.map(column));
  board.className = "columns";
  return [
    element("h1", items.length ? "Work items" : "There is no such work item"),
    ...(items.length ? [brief(counted(items.length, answer.total_count ?? items.length)), board] : []),
  ];
};
send({
  id: "greeting",
  method: "ui/initialize",
  params: { protocolVersion: "2026-01-26", appInfo: { name: "ledger-board", version: "1" }, appCapabilities: {} },
});
