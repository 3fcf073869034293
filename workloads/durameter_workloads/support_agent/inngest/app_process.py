"""`python -m durameter_workloads.support_agent.inngest.app_process`: the agent's app, to be killed."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import fastapi
import inngest
import inngest.fast_api

from durameter import serve_app
from durameter_workloads.support_agent.inngest.names import names_of
from durameter_workloads.support_agent.inngest.variants import inngest_variants
from durameter_workloads.support_agent.model import Model
from durameter_workloads.support_agent.options import NO_KEY, SupportAgentOptions
from durameter_workloads.support_agent.process import stand_by
from durameter_workloads.support_agent.stored_threads import StoredThreads


async def prepare(order: dict[str, Any]) -> AbstractAsyncContextManager[Any]:
    """An app that does not listen yet."""
    options = SupportAgentOptions.model_validate(order["options"])
    [variant] = [each for each in inngest_variants(options) if each.variant == order["variant"]]
    client = inngest.Inngest(
        app_id=names_of(variant.variant).app,
        is_production=False,
        event_api_base_url=order["address"],
        api_base_url=order["address"],
    )
    model = Model.at(order["model_base_url"], key=NO_KEY, name=options.model, keep_alive=False)
    _, functions = variant.app(client, model, StoredThreads(Path(order["threads"])))
    app = fastapi.FastAPI()
    inngest.fast_api.serve(app, client, functions, serve_origin=order["origin"])
    return serve_app(app, port=order["port"])


if __name__ == "__main__":
    stand_by(prepare)
