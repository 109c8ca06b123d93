"""Charts as inline SVG with text alternatives, drawn from evidence. Why not a plotting library: docs/adr/0003-charts-as-own-svg.md."""
