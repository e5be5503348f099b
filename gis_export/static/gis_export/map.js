// Shows an export on MapLibre. Everything comes from this server; texts of the data are only ever set as text.
"use strict";

(() => {
  const script = document.currentScript;
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const dollars = new Intl.NumberFormat("en-US", { maximumFractionDigits: 4 });

  // As long as nothing is chosen, no feature has this id.
  const nothing = ["==", ["id"], -1];

  function layersOf(each) {
    const common = { source: each.layer, "source-layer": each.layer };
    const id = (part) => `${each.layer}/${part}`;
    if (each.shape === "point") {
      const circle = { "circle-radius": 5, "circle-color": each.line, "circle-stroke-color": "#fff", "circle-stroke-width": 1 };
      const chosen = { ...circle, "circle-radius": 8, "circle-color": "#000" };
      return [
        { id: id("shape"), type: "circle", ...common, paint: circle },
        { id: id("chosen"), type: "circle", ...common, filter: nothing, paint: chosen },
      ];
    }
    const outline = { id: id("line"), type: "line", ...common, paint: { "line-color": each.line, "line-width": 1 } };
    const chosen = { id: id("chosen"), type: "line", ...common, filter: nothing, paint: { "line-color": "#000", "line-width": 3 } };
    if (each.shape === "line") return [{ ...outline, id: id("shape") }, chosen];
    const fill = { id: id("shape"), type: "fill", ...common, paint: { "fill-color": each.fill, "fill-opacity": 0.35 } };
    return [fill, outline, chosen];
  }

  // Areas below parcels, points on top.
  const order = { polygon: 0, line: 1, point: 2 };
  const size = (each) => (each.shape === "polygon" ? -1 / (1 + each.features) : 0);
  const drawn = [...data.layers].sort((a, b) => order[a.shape] - order[b.shape] || size(a) - size(b));

  const map = new maplibregl.Map({
    container: "map",
    bounds: data.bounds,
    fitBoundsOptions: { padding: 40, maxZoom: 18 },
    attributionControl: false,
    style: {
      version: 8,
      // A source for each layer: its finest tiles are enlarged beyond their level, and layers end at different ones.
      sources: Object.fromEntries(data.layers.map((each) => [each.layer, {
        type: "vector",
        tiles: [`${location.origin}${script.dataset.tiles}/{z}/{x}/{y}`],
        minzoom: data.minzoom,
        maxzoom: each.maxzoom,
        bounds: data.bounds,
      }])),
      layers: [
        { id: "paper", type: "background", paint: { "background-color": "#f4f2ec" } },
        ...drawn.flatMap(layersOf),
      ],
    },
  });
  map.addControl(new maplibregl.NavigationControl());
  map.addControl(new maplibregl.ScaleControl({ unit: "imperial" }));

  function element(name, text) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function shown(value, unit) {
    if (value === true || value === false) return value ? "yes" : "no";
    if (unit === "US dollar") return `$${dollars.format(value)}`;
    return unit && unit !== "year" ? `${dollars.format(value)} ${unit}` : String(value);
  }

  function showFields(feature, each) {
    const panel = document.getElementById("fields");
    const table = element("table");
    for (const [name, value] of Object.entries(feature.properties)) {
      const row = table.insertRow();
      row.append(element("th", name.replaceAll("_", " ")), element("td", shown(value, each.units[name])));
    }
    panel.replaceChildren(element("h2", `${each.title}: ${feature.properties[each.label] ?? feature.id}`), table);
    if (Object.keys(feature.properties).length < 2) panel.append(element("p", "Zoom in to see all fields."));
  }

  function choose(feature) {
    for (const each of data.layers) {
      const mine = feature && feature.sourceLayer === each.layer;
      map.setFilter(`${each.layer}/chosen`, mine ? ["==", ["id"], feature.id] : nothing);
      if (mine) showFields(feature, each);
    }
  }

  map.on("click", (event) => {
    const ids = drawn.map((each) => `${each.layer}/shape`).filter((id) => map.getLayoutProperty(id, "visibility") !== "none");
    choose(map.queryRenderedFeatures(event.point, { layers: ids })[0]);
  });

  const legend = document.getElementById("legend");
  for (const each of data.layers) {
    const label = element("label");
    const box = Object.assign(element("input"), { type: "checkbox", checked: true });
    const swatch = element("i");
    swatch.style.background = `${each.fill}59`;
    swatch.style.borderColor = each.line;
    label.append(box, swatch, element("span", `${each.title} (${dollars.format(each.features)})`));
    legend.append(label);
    box.addEventListener("change", () => {
      for (const layer of layersOf(each)) map.setLayoutProperty(layer.id, "visibility", box.checked ? "visible" : "none");
    });
  }

  map.on("error", (event) => {
    document.getElementById("fields").replaceChildren(element("p", `The map could not be drawn: ${event.error.message}`));
  });
  map.on("idle", () => { document.body.dataset.drawn = "yes"; });
  window.exportMap = map;
})();
