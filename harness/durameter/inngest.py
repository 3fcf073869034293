"""What a workload on Inngest uses."""

from durameter.engines.inngest.session import InngestSession, wait_for_runs
from durameter.processes.asgi import serve_app

__all__ = ["InngestSession", "serve_app", "wait_for_runs"]
