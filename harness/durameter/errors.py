"""Errors that a user can meet. Each message says what is wrong and what to do next."""

__all__ = ["DurameterError", "EngineMissingError", "ResultError", "UsageError"]


class DurameterError(Exception):
    """Base of every error that the command line shows without a traceback."""

    exit_code = 1


class UsageError(DurameterError):
    """The call, a configuration file or a name in it is wrong."""

    exit_code = 2


class EngineMissingError(DurameterError):
    """An engine's server cannot be found, built, started or reached."""

    exit_code = 3


class ResultError(DurameterError):
    """A result folder cannot be read."""

    exit_code = 2
