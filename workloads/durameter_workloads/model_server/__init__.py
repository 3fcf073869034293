"""An OpenAI-compatible model server that plays scripts: real HTTP, seeded replies, latency and faults."""

from durameter_workloads.model_server.faults import Faults
from durameter_workloads.model_server.script import ScriptedReply, ScriptedToolCall, Scripts
from durameter_workloads.model_server.server import ModelServer, serve_model

__all__ = ["Faults", "ModelServer", "ScriptedReply", "ScriptedToolCall", "Scripts", "serve_model"]
