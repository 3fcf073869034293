"""The wire: what the dev server asked an app and was answered, and what clients and apps told the server."""
