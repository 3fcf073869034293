"""The page of a report: template, style, and one file per plot. `durameter.report.html` puts it together."""
