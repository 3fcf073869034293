"""What an Inngest server answers to questions."""
