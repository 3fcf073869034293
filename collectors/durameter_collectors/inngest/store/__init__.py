"""What an Inngest server has in its own database."""
