"""What a measurement means: one view, shown in the terminal, as Markdown and as JSON."""

from durameter.report.measurement import Report, build_report

__all__ = ["Report", "build_report"]
