"""A month's bill."""
