(function () {
  "use strict";

  // Sorting: headings become buttons; cells without a value stay last in both directions.
  document.querySelectorAll("table.sortable").forEach(function (table) {
    var body = table.tBodies[0];
    var original = Array.from(body.rows);
    var headings = Array.from(table.tHead.rows[0].cells);
    function value(row, column) {
      var cell = row.cells[column];
      if (cell.hasAttribute("data-order")) return Number(cell.getAttribute("data-order"));
      var text = cell.textContent.trim();
      return text === "" || text === "–" ? null : text;
    }
    function compare(a, b) {
      if (typeof a === "number" && typeof b === "number") return a < b ? -1 : a > b ? 1 : 0;
      return String(a).localeCompare(String(b), "en", { numeric: true });
    }
    headings.forEach(function (heading, column) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = heading.textContent;
      heading.replaceChildren(button);
      button.addEventListener("click", function () {
        var sign = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        headings.forEach(function (h) { h.removeAttribute("aria-sort"); });
        heading.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
        var keyed = original.map(function (row, i) { return { row: row, i: i, key: value(row, column) }; });
        keyed.sort(function (a, b) {
          if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.i - b.i;
          return sign * compare(a.key, b.key) || a.i - b.i;
        });
        body.append.apply(body, keyed.map(function (k) { return k.row; }));
      });
    });
  });

  // Cursors: a slider, the pointer, or a finger picks the row of the table that stands at a place of the picture.
  document.querySelectorAll(".cursor").forEach(function (cursor) {
    var table = document.getElementById(cursor.getAttribute("data-table"));
    var rows = Array.from(table.tBodies[0].rows);
    var places = rows.map(function (row) { return Number(row.getAttribute("data-x")); });
    var names = Array.from(table.tHead.rows[0].cells).map(function (cell) { return cell.textContent; });
    var picture = cursor.parentElement.querySelector("svg.plot");
    var slider = cursor.querySelector("input");
    var output = cursor.querySelector("output");
    var line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    var here = null;
    function part(tag, text) {
      var element = document.createElement(tag);
      element.textContent = text;
      return element;
    }
    function show(index) {
      var row = rows[index];
      var texts = Array.from(row.cells).map(function (cell) { return cell.textContent; });
      var facts = [part("strong", texts[0])];
      texts.forEach(function (text, i) {
        if (i === 0 || text === "" || text === "–") return;
        var fact = document.createElement("span");
        fact.append(part("i", names[i]), text);
        facts.push(fact, " ");
      });
      output.replaceChildren.apply(output, facts);
      slider.value = index;
      slider.setAttribute("aria-valuetext", texts.map(function (t, i) { return i === 0 ? t : names[i] + " " + t; }).join("; "));
    }
    function walk(index) {
      show(index);
      line.setAttribute("x1", places[index] + "%");
      line.setAttribute("x2", places[index] + "%");
      picture.append(line);
      if (here) here.classList.remove("here");
      here = rows[index];
      here.classList.add("here");
    }
    function nearest(event) {
      var box = picture.getBoundingClientRect();
      var x = 100 * (event.clientX - box.left) / box.width;
      var best = 0;
      places.forEach(function (place, i) { if (Math.abs(place - x) < Math.abs(places[best] - x)) best = i; });
      walk(best);
    }
    line.setAttribute("class", "at");
    line.setAttribute("y1", Math.min.apply(null, Array.from(picture.querySelectorAll(".grid"), function (l) { return Number(l.getAttribute("y1")); })));
    line.setAttribute("y2", picture.getAttribute("height"));
    picture.addEventListener("pointermove", nearest);
    picture.addEventListener("pointerdown", nearest);
    slider.max = rows.length - 1;
    slider.addEventListener("input", function () { walk(Number(slider.value)); });
    cursor.hidden = false;
    show(Number(cursor.getAttribute("data-start")));
  });

  // Copying; where the clipboard is closed to files, the text is selected for the reader to copy.
  document.querySelectorAll("button[data-copy]").forEach(function (button) {
    var source = document.getElementById(button.getAttribute("data-copy"));
    var status = button.parentElement.querySelector("[role=status]");
    function select() {
      var range = document.createRange();
      range.selectNodeContents(source);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      status.textContent = "Selected; copy it with the keyboard";
    }
    button.hidden = false;
    button.addEventListener("click", function () {
      if (!navigator.clipboard) { select(); return; }
      navigator.clipboard.writeText(source.textContent).then(function () { status.textContent = "Copied"; }, select);
    });
  });

  // Printing shows what is folded, also in browsers whose style sheets cannot open it.
  var opened = [];
  addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    opened.forEach(function (details) { details.open = true; });
  });
  addEventListener("afterprint", function () { opened.forEach(function (details) { details.open = false; }); });
})();
