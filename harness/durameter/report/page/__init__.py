"""The page of a report: template, style, and one file per plot. `durameter.report.render_html` puts it together."""
