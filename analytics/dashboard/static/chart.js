// Draws a chart below the table it repeats, once it comes near the screen. Without this file the table says it all.
(() => {
  "use strict";

  const drawn = [];
  let library = null;
  const narrow = window.matchMedia("(max-width: 39.99em)");

  function load(address) {
    library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = () => {
        window.Plotly.setPlotConfig({ modeBarButtonsToRemove: ["sendChartToCloud"], displaylogo: false });
        resolve(window.Plotly);
      };
      script.onerror = reject;
      document.head.append(script);
    });
    return library;
  }

  // Colours are named as in the stylesheet, "var(--accent)": the light or the dark one is looked up when it is drawn.
  function coloured(value, style) {
    if (typeof value === "string") {
      const name = /^var\((--[a-z-]+)\)$/.exec(value);
      return name ? style.getPropertyValue(name[1]).trim() : value;
    }
    if (Array.isArray(value)) return value.map((one) => coloured(one, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, coloured(one, style)]));
    }
    return value;
  }

  function described(figure) {
    const found = coloured(JSON.parse(figure.dataset.figure), getComputedStyle(document.documentElement));
    const family = getComputedStyle(document.body).fontFamily;
    found.layout.font.family = family;
    found.layout.hoverlabel.font.family = family;
    return found;
  }

  // On a phone the shorter name stands beside its figure without touching it.
  function shortened(layout) {
    for (const label of layout.annotations) label.text = label.name ?? label.text;
  }

  function draw(Plotly, figure) {
    const { data, layout } = described(figure);
    if (narrow.matches) shortened(layout);
    return Plotly.react(figure.querySelector("[data-plot]"), data, layout, { responsive: true, displayModeBar: false });
  }

  // What Plotly would read as markup is text, and a long line goes on in the next.
  const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const folded = (line) => line.match(/\S.{0,119}(?=\s|$)/gu) ?? [];

  // A file stands alone: it has a background, and says what it shows where the page says it around the chart.
  function save(Plotly, figure, format) {
    const { data, layout } = described(figure);
    layout.paper_bgcolor = getComputedStyle(document.body).backgroundColor;
    layout.margin = { ...layout.margin, l: 24, r: 24, t: layout.margin.t + 46 };
    layout.height += 50;
    if (figure.dataset.legend !== undefined) layout.showlegend = true;
    if (figure.dataset.title) {
      const [first, ...others] = figure.dataset.title.split("\n").flatMap(folded).map(escaped);
      const subtitle = { text: others.join("<br>"), font: { size: 12 } };
      layout.margin.t += 18 * others.length;
      layout.height += 18 * others.length;
      layout.title = { text: first, subtitle, x: 0, xref: "paper", y: 1, yref: "container", yanchor: "top", pad: { t: 24 }, font: { size: 17 } };
    }
    return Plotly.downloadImage({ data, layout }, { format, width: 900, height: layout.height, scale: format === "png" ? 2 : 1, filename: figure.dataset.file });
  }

  async function show(figure) {
    try {
      const Plotly = await load(figure.dataset.library);
      await draw(Plotly, figure);
      drawn.push(figure);
      for (const button of (figure.closest("[data-picture]") ?? figure).querySelectorAll("[data-save]")) {
        button.addEventListener("click", () => save(Plotly, figure, button.dataset.save));
        button.hidden = false;
      }
    } catch {
      figure.hidden = true;
    }
  }

  const figures = document.querySelectorAll("figure[data-figure]");
  if (!("IntersectionObserver" in window) || navigator.connection?.saveData) return;
  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((one) => one.isIntersecting)) {
        near.unobserve(entry.target);
        show(entry.target);
      }
    },
    { rootMargin: "300px" },
  );
  for (const figure of figures) {
    figure.hidden = false;
    near.observe(figure);
  }
  for (const change of [window.matchMedia("(prefers-color-scheme: dark)"), narrow]) {
    change.addEventListener("change", () => {
      for (const figure of drawn) draw(window.Plotly, figure);
    });
  }
})();
