"""The agent on Inngest: its functions, its ways of calling the model, its drivers and its variants."""
