/** What the dialogs of this palette share: pickers filled with what exists on the site. Plain inputs with suggestions, so everything works by keyboard. */
window.Gatehouse = {
  lists: 0,

  /** Calls back with what the site has; with nothing where it cannot be asked. */
  fetched(what, equipment, then) {
    $.getJSON(`gatehouse/${what}`, equipment ? { equipment } : {})
      .done(then)
      .fail(() => then([]));
  },

  /** Suggestions for an input; whatever is typed counts. */
  suggest(input, options) {
    let list = document.getElementById(input.getAttribute("list"));
    if (!list) {
      list = document.createElement("datalist");
      this.lists += 1;
      list.id = `gatehouse-list-${this.lists}`;
      input.setAttribute("list", list.id);
      input.after(list);
    }
    const unique = [...new Map(options.map((one) => [one.value, one])).values()];
    list.replaceChildren(
      ...unique.slice(0, 1000).map(({ value, label }) => {
        const option = document.createElement("option");
        option.value = value;
        if (label && label !== value) option.label = label;
        return option;
      }),
    );
  },

  prepare(prefix, node) {
    const picker = (kind) => document.querySelector(`[id^="${prefix}-"][data-gatehouse="${kind}"]`) || undefined;
    const named = (list) => list.map(({ id, label }) => ({ value: id, label }));
    const [equipment, check, channel] = [picker("equipment"), picker("check"), picker("channel")];
    if (equipment) this.fetched("equipment", "", (list) => this.suggest(equipment, named(list)));
    if (check) this.fetched("checks", "", (list) => this.suggest(check, named(list)));
    if (channel) this.fetched("channels", "", (list) => this.suggest(channel, named(list)));
    if (picker("metric"))
      this.prepareMetric(prefix, node, { metric: picker("metric"), table: picker("table"), row: picker("row"), equipment });
  },

  /** Metric, table and row depend on each other and on the equipment. */
  prepareMetric(prefix, node, { metric, table, row, equipment }) {
    const device = document.getElementById(`${prefix}-device`);
    let entries = [];
    const fillRows = () => {
      const same = entries.filter((one) => one.metric === metric.value);
      const chosen = same.filter((one) => !table || !table.value || one.table === table.value);
      if (table)
        this.suggest(
          table,
          same.map((one) => ({ value: one.table })),
        );
      if (row)
        this.suggest(
          row,
          chosen.flatMap((one) => one.rows.map(({ key, label }) => ({ value: key, label }))),
        );
    };
    const fill = () => {
      const chosen = (device && device.value) || node.device;
      const configured = chosen && chosen !== "_ADD_" ? RED.nodes.node(chosen) : undefined;
      this.fetched("metrics", (configured && configured.equipment) || (equipment && equipment.value) || "", (list) => {
        entries = list;
        const label = (one) => `${one.metric} (${one.kind}${one.unit ? `, ${one.unit}` : ""})`;
        this.suggest(
          metric,
          list.map((one) => ({ value: one.metric, label: label(one) })),
        );
        fillRows();
      });
    };
    fill();
    for (const input of [equipment, device]) if (input) input.addEventListener("change", fill);
    metric.addEventListener("change", fillRows);
  },

  isJson(value) {
    if (typeof value !== "string" || value.trim() === "") return true;
    try {
      return typeof JSON.parse(value) === "object";
    } catch {
      return false;
    }
  },
};
