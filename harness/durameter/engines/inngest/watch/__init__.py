"""Watching a program that uses Inngest, on a server of durameter's own or on one that runs already."""
