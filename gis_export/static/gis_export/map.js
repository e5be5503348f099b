// Shows an export on MapLibre. Everything comes from this server; texts of the data are never read as HTML.
"use strict";

(() => {
  const script = document.currentScript;
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const numbers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 4 });

  // The filter of the chosen feature while none is chosen: no feature has this id.
  const nothing = ["==", ["id"], -1];

  // The style layers MapLibre draws for one layer of the export.
  function styleLayersOf(layer) {
    const common = { source: layer.layer, "source-layer": layer.layer };
    const id = (part) => `${layer.layer}/${part}`;
    if (layer.shape === "point") {
      const circle = { "circle-radius": 5, "circle-color": layer.line, "circle-stroke-color": "#fff", "circle-stroke-width": 1 };
      const chosen = { ...circle, "circle-radius": 8, "circle-color": "#000" };
      return [
        { id: id("shape"), type: "circle", ...common, paint: circle },
        { id: id("chosen"), type: "circle", ...common, filter: nothing, paint: chosen },
      ];
    }
    const outline = { id: id("line"), type: "line", ...common, paint: { "line-color": layer.line, "line-width": 1 } };
    const chosen = { id: id("chosen"), type: "line", ...common, filter: nothing, paint: { "line-color": "#000", "line-width": 3 } };
    if (layer.shape === "line") return [{ ...outline, id: id("shape") }, chosen];
    const fill = { id: id("shape"), type: "fill", ...common, paint: { "fill-color": layer.fill, "fill-opacity": 0.35 } };
    return [fill, outline, chosen];
  }

  // Large polygons lie below small ones, and points on top. Fewer features mean larger polygons.
  const order = { polygon: 0, line: 1, point: 2 };
  const size = (layer) => (layer.shape === "polygon" ? -1 / (1 + layer.features) : 0);
  const drawn = [...data.layers].sort((a, b) => order[a.shape] - order[b.shape] || size(a) - size(b));

  const map = new maplibregl.Map({
    container: "map",
    bounds: data.bounds,
    fitBoundsOptions: { padding: 40, maxZoom: 18 },
    attributionControl: false,
    style: {
      version: 8,
      // Every layer has a source of its own, because layers differ in the zoom level beyond which tiles are enlarged.
      sources: Object.fromEntries(data.layers.map((layer) => [layer.layer, {
        type: "vector",
        tiles: [`${location.origin}${script.dataset.tiles}/{z}/{x}/{y}`],
        minzoom: data.minzoom,
        maxzoom: layer.maxzoom,
        bounds: data.bounds,
      }])),
      layers: [
        { id: "paper", type: "background", paint: { "background-color": "#f4f2ec" } },
        ...drawn.flatMap(styleLayersOf),
      ],
    },
  });
  map.addControl(new maplibregl.NavigationControl());
  map.addControl(new maplibregl.ScaleControl({ unit: "imperial" }));

  function element(name, text) {
    const created = document.createElement(name);
    if (text !== undefined) created.textContent = text;
    return created;
  }

  function textOf(value, unit) {
    if (value === true || value === false) return value ? "yes" : "no";
    if (unit === "US dollar") return `$${numbers.format(value)}`;
    return unit && unit !== "year" ? `${numbers.format(value)} ${unit}` : String(value);
  }

  function showFields(feature, layer) {
    const panel = document.getElementById("fields");
    const table = element("table");
    for (const [name, value] of Object.entries(feature.properties)) {
      const row = table.insertRow();
      row.append(element("th", name.replaceAll("_", " ")), element("td", textOf(value, layer.units[name])));
    }
    panel.replaceChildren(element("h2", `${layer.title}: ${feature.properties[layer.label] ?? feature.id}`), table);
    if (Object.keys(feature.properties).length < 2) panel.append(element("p", "Zoom in to see all fields."));
  }

  function choose(feature) {
    for (const layer of data.layers) {
      const isChosen = feature && feature.sourceLayer === layer.layer;
      map.setFilter(`${layer.layer}/chosen`, isChosen ? ["==", ["id"], feature.id] : nothing);
      if (isChosen) showFields(feature, layer);
    }
  }

  map.on("click", (event) => {
    const ids = drawn.map((layer) => `${layer.layer}/shape`).filter((id) => map.getLayoutProperty(id, "visibility") !== "none");
    choose(map.queryRenderedFeatures(event.point, { layers: ids })[0]);
  });

  const legend = document.getElementById("legend");
  for (const layer of data.layers) {
    const label = element("label");
    const box = Object.assign(element("input"), { type: "checkbox", checked: true });
    const swatch = element("i");
    swatch.style.background = `${layer.fill}59`;
    swatch.style.borderColor = layer.line;
    label.append(box, swatch, element("span", `${layer.title} (${numbers.format(layer.features)})`));
    legend.append(label);
    box.addEventListener("change", () => {
      for (const styleLayer of styleLayersOf(layer)) map.setLayoutProperty(styleLayer.id, "visibility", box.checked ? "visible" : "none");
    });
  }

  map.on("error", (event) => {
    document.getElementById("fields").replaceChildren(element("p", `The map could not be drawn: ${event.error.message}`));
  });
  map.on("idle", () => { document.body.dataset.drawn = "yes"; });
  window.exportMap = map;
})();
