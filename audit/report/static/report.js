/* Nothing here is needed to read the report: it filters and sorts section 4, opens folded parts, and tells when the decision is stale. */
(function () {
  "use strict";
  var table = document.getElementById("lines"), form = document.getElementById("filter"), rows = [].slice.call(table.tBodies[0].rows);
  function show() {
    var wanted = form.elements.q.value.toLowerCase(), seen = 0;
    rows.forEach(function (row) {
      row.hidden = (form.elements.status.value && row.dataset.status !== form.elements.status.value) ||
        (form.elements.severity.value && row.dataset.severity !== form.elements.severity.value) ||
        row.textContent.toLowerCase().indexOf(wanted) < 0;
      if (!row.hidden) seen += 1;
    });
    form.elements.seen.value = seen + " of " + rows.length + (rows.length === 1 ? " line" : " lines");
  }
  function sortable(head) {
    var button = document.createElement("button"), key = Number(head.dataset.key);
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.appendChild(button);
    button.addEventListener("click", function () {
      var up = head.getAttribute("aria-sort") !== "ascending";
      [].forEach.call(table.tHead.rows[0].cells, function (cell) { cell.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      rows.slice().sort(function (a, b) {
        var x = a.dataset.sort.split("|")[key], y = b.dataset.sort.split("|")[key];
        if (x === "" || y === "") return x === y ? 0 : x === "" ? 1 : -1;
        return up ? x - y : y - x;
      }).forEach(function (row) { table.tBodies[0].appendChild(row); });
    });
  }
  function unfold() {
    var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (var at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target) target.scrollIntoView();
  }
  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  [].forEach.call(table.tHead.rows[0].cells, function (cell) { if (cell.dataset.key) sortable(cell); });
  addEventListener("hashchange", unfold);
  addEventListener("beforeprint", function () {
    form.reset();
    show();
    [].forEach.call(document.querySelectorAll("details"), function (one) { one.open = true; });
  });
  [].forEach.call(document.querySelectorAll("[data-until]"), function (one) {
    if (one.dataset.until && new Date().toISOString().slice(0, 10) > one.dataset.until) one.classList.add("stale");
  });
  show();
  unfold();
})();
