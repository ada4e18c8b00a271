"use strict";
// Hovering and tapping: clip keys in plots, column pairs in the heat map. The page reads without it.
for (const plot of document.querySelectorAll(".plot")) {
  const svg = plot.querySelector("svg");
  const tip = plot.querySelector(".tip");
  const here = plot.querySelector(".here");
  const points = JSON.parse(plot.querySelector("script").textContent);
  const side = svg.viewBox.baseVal.width;
  const hide = () => { tip.style.visibility = here.style.visibility = "hidden"; };
  const show = (event) => {
    const box = svg.getBoundingClientRect();
    const scale = side / box.width;
    const x = (event.clientX - box.left) * scale;
    const y = (event.clientY - box.top) * scale;
    let best = null;
    let nearest = (18 * scale) ** 2;
    for (const point of points) {
      const distance = (point[0] - x) ** 2 + (point[1] - y) ** 2;
      if (distance < nearest) { nearest = distance; best = point; }
    }
    if (!best) return hide();
    here.setAttribute("cx", best[0]);
    here.setAttribute("cy", best[1]);
    tip.textContent = best[2];
    const left = Math.min(best[0] / scale, box.width - tip.offsetWidth);
    tip.style.left = Math.max(0, left) + "px";
    tip.style.top = Math.max(0, best[1] / scale - 34) + "px";
    tip.style.visibility = here.style.visibility = "visible";
  };
  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  svg.addEventListener("pointerleave", hide);
}
for (const map of document.querySelectorAll(".canvas")) {
  const data = JSON.parse(map.querySelector("script").textContent);
  const cells = Int8Array.from(atob(data.cells), (letter) => letter.charCodeAt(0));
  const readout = document.getElementById(map.dataset.readout);
  const show = (event) => {
    const box = map.getBoundingClientRect();
    const size = data.columns.length;
    const place = (offset, length) => Math.min(size - 1, Math.max(0, Math.floor(offset / length * size)));
    const row = place(event.clientY - box.top, box.height);
    const column = place(event.clientX - box.left, box.width);
    const value = cells[row * size + column];
    const kind = column > row ? "Pearson" : "Spearman";
    readout.textContent = data.columns[row] + " × " + data.columns[column] + ": "
      + (value === -128 ? "no value" : kind + " " + (value / 100).toFixed(2));
  };
  map.addEventListener("pointermove", show);
  map.addEventListener("pointerdown", show);
}
