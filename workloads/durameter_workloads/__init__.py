"""Things to measure: the reference agent and its model server."""
